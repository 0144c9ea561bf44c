//! The registered families.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::exposition::{Exposition, Format};
use super::family::Family;

type Collect = dyn Fn(&mut Exposition) + Send + Sync;

/// Families, and the function that writes their samples.
struct Collector {
    families: &'static [Family],
    collect: Box<Collect>,
}

/// The metrics of a process. Only registrations and scrapes lock it; instruments belong to those who
/// change them.
#[derive(Default)]
pub struct Registry {
    collectors: Mutex<Vec<Collector>>,
    /// The size of the last text: how much memory the next one needs.
    last_bytes: AtomicUsize,
}

impl Registry {
    /// No metrics.
    pub fn new() -> Registry {
        Registry::default()
    }

    /// Registers families. `collect` writes all of them at every scrape, those without samples as well;
    /// it must be short, and must not use this registry. No other collector may write the same families.
    pub fn register(
        &self,
        families: &'static [Family],
        collect: impl Fn(&mut Exposition) + Send + Sync + 'static,
    ) {
        self.collectors().push(Collector { families, collect: Box::new(collect) });
    }

    /// The text of all metrics.
    pub fn render(&self, format: Format) -> String {
        let capacity = self.last_bytes.load(Ordering::Relaxed);
        let mut exposition = Exposition::new(format, capacity + capacity / 8);
        for collector in self.collectors().iter() {
            (collector.collect)(&mut exposition);
        }
        let text = exposition.finish();
        self.last_bytes.store(text.len(), Ordering::Relaxed);
        text
    }

    /// The registered families, in the order of their registration.
    pub fn families(&self) -> Vec<Family> {
        self.collectors().iter().flat_map(|collector| collector.families).copied().collect()
    }

    /// What is wrong with the registered families, see [`Family::problem`].
    pub fn problems(&self) -> Vec<String> {
        let (mut names, mut problems) = (BTreeSet::new(), Vec::new());
        for family in self.families() {
            problems.extend(family.problem());
            if !names.insert(family.name) {
                problems.push(format!("{} is registered twice", family.name));
            }
        }
        problems
    }

    /// A collector that panicked leaves the list as it was.
    fn collectors(&self) -> MutexGuard<'_, Vec<Collector>> {
        self.collectors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("families", &self.families().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::metrics::Counter;

    const FAMILIES: &[Family] = &[Family::counter("a_total", &[], "A")];

    #[test]
    fn a_scrape_has_the_values_of_its_moment() {
        let (registry, counter) = (Registry::new(), Arc::new(Counter::default()));
        let read = Arc::clone(&counter);
        registry.register(FAMILIES, move |out| {
            out.family(&FAMILIES[0]).value(&[], read.get());
        });
        for expected in ["a_total 0\n", "a_total 5\n"] {
            assert!(registry.render(Format::Prometheus).ends_with(expected));
            counter.add(5);
        }
        assert_eq!(registry.problems(), [""; 0]);
    }

    #[test]
    fn a_name_that_is_registered_twice_is_found() {
        let registry = Registry::new();
        for _ in 0..2 {
            registry.register(FAMILIES, |_| ());
        }
        assert_eq!(registry.problems(), ["a_total is registered twice"]);
    }

    #[test]
    fn a_collector_that_panics_does_not_end_the_registry() {
        let registry = Registry::new();
        registry.register(FAMILIES, |_| panic!("a bug"));
        let render = || registry.render(Format::Prometheus);
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(render)).is_err());
        assert_eq!(registry.families().len(), 1);
    }
}
