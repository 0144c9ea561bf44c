//! Whether a worker may be given a job, told to its health as it changes.

use std::sync::Mutex;

use super::locked;

/// Gets why no job can be opened at present, or `None` if one can.
type Hook = Box<dyn Fn(Option<String>) + Send>;

/// Who is told.
#[derive(Default)]
pub(super) struct Availability(Mutex<Option<Hook>>);

impl Availability {
    /// Sets the hook. A job that is open already is not told.
    pub(super) fn set_hook(&self, hook: Hook) {
        *locked(&self.0) = Some(hook);
    }

    /// A job was opened; `text` describes it. To be called under the lock of the jobs, so that
    /// changes are told in order.
    pub(super) fn taken(&self, text: String) {
        if let Some(hook) = &*locked(&self.0) {
            hook(Some(text));
        }
    }

    /// The job is closed; as [`taken`](Self::taken).
    pub(super) fn free(&self) {
        if let Some(hook) = &*locked(&self.0) {
            hook(None);
        }
    }
}
