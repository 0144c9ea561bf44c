//! Injected failures and delays, for demonstrations and tests.

use std::sync::Mutex;
use std::time::Duration;

use super::open_job::OpenJob;
use super::{WorkerOptions, locked};
use crate::call::{Code, Status};
use crate::rpc::BlockingCall;

/// How often a delay checks whether the job has ended.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// The configured failures and delays.
pub(super) struct FaultInjection {
    fail_probability: f64,
    task_delay: Duration,
    state: Mutex<u64>,
}

impl FaultInjection {
    pub(super) fn new(options: &WorkerOptions, seed: u64) -> FaultInjection {
        FaultInjection {
            fail_probability: options.fail_probability,
            task_delay: options.task_delay,
            state: Mutex::new(seed),
        }
    }

    /// Called before each task: delays it, or fails it with the configured probability.
    pub(super) fn apply(&self, job: &OpenJob, call: &BlockingCall) -> Result<(), Status> {
        let mut left = self.task_delay;
        while !left.is_zero() {
            job.check_open()?;
            let pause = left.min(CHECK_INTERVAL);
            call.sleep(pause)?;
            left -= pause;
        }
        if self.fail_probability > 0.0 && self.draw() < self.fail_probability {
            return Err(Status::new(Code::Unavailable, "failed on purpose"));
        }
        Ok(())
    }

    /// A random number in [0, 1) (splitmix64).
    fn draw(&self) -> f64 {
        let mut state = locked(&self.state);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
