//! Word count, the example of the paper's appendix: the number of occurrences of each word.
//!
//! A word is a sequence of bytes without ASCII white space, in any encoding.

use std::sync::Arc;

use super::{Fault, Job, MapTask, ReduceTask, Values};
use crate::text::{parse_u64, push_u64};

/// The job. It has no parameters.
pub struct WordCount;

impl WordCount {
    /// The name of the kind.
    pub const NAME: &str = "wordcount";

    /// Creates the job.
    ///
    /// # Errors
    /// There are parameters.
    pub fn make(parameters: &[u8]) -> Result<Arc<dyn Job>, String> {
        if parameters.is_empty() {
            Ok(Arc::new(WordCount))
        } else {
            Err("word count has no parameters".into())
        }
    }
}

impl Job for WordCount {
    fn map(&self, task: &mut MapTask<'_>) -> Result<(), Fault> {
        let mut input = task.input()?;
        let (mut words, mut lines) = (0, 0);
        while let Some(block) =
            input.next().map_err(|error| Fault::io("reading the input", &error))?
        {
            task.context.check_cancelled()?;
            task.context.progress();
            let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'\x0b';
            for word in block.bytes.split(is_space).filter(|word| !word.is_empty()) {
                task.emit(word, b"1")?;
                words += 1;
            }
            lines += block.bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            lines += u64::from(!block.bytes.ends_with(b"\n"));
        }
        task.counters.add_own("lines", lines);
        task.counters.add_own("words", words);
        Ok(())
    }

    fn combines(&self) -> bool {
        true
    }

    fn combine(
        &self,
        _: &[u8],
        values: &mut dyn Values,
        emit: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Fault> {
        emit(&sum(values)?);
        Ok(())
    }

    fn reduce(
        &self,
        key: &[u8],
        values: &mut dyn Values,
        task: &mut ReduceTask<'_>,
    ) -> Result<(), Fault> {
        task.emit(key, &sum(values)?)
    }
}

fn sum(values: &mut dyn Values) -> Result<Vec<u8>, Fault> {
    let mut total = 0_u64;
    while let Some(value) = values.next()? {
        let count = parse_u64(value).and_then(|count| total.checked_add(count));
        total = count.ok_or_else(|| Fault::Permanent("a count is not a number".into()))?;
    }
    let mut text = Vec::new();
    push_u64(total, &mut text);
    Ok(text)
}
