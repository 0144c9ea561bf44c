//! Majorities. No other file computes one.

/// A group of this many voters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quorum {
    voters: usize,
}

impl Quorum {
    /// A group of `voters` voters.
    pub(super) fn of(voters: usize) -> Quorum {
        Quorum { voters }
    }

    /// The size of a majority.
    fn majority(self) -> usize {
        self.voters / 2 + 1
    }

    /// Whether `count` voters are a majority.
    pub(super) fn is_reached_by(self, count: usize) -> bool {
        count >= self.majority()
    }

    /// The largest value that a majority has reached, from one value of each voter.
    pub(super) fn reached<T: Ord + Copy>(self, mut values: Vec<T>) -> Option<T> {
        values.sort_unstable_by(|a, b| b.cmp(a));
        values.get(self.majority() - 1).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_majority_is_more_than_half() {
        for (voters, majority) in [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (7, 4)] {
            let quorum = Quorum::of(voters);
            assert!(quorum.is_reached_by(majority) && !quorum.is_reached_by(majority - 1));
        }
    }

    #[test]
    fn the_value_that_a_majority_has_reached() {
        assert_eq!(Quorum::of(1).reached(vec![7]), Some(7));
        assert_eq!(Quorum::of(3).reached(vec![9, 2, 5]), Some(5));
        assert_eq!(Quorum::of(4).reached(vec![9, 2, 5, 7]), Some(5));
        assert_eq!(Quorum::of(5).reached(vec![1, 9, 9, 2, 2]), Some(2));
        assert_eq!(Quorum::of(3).reached(vec![9]), None, "values are missing");
    }
}
