//! Pseudo-random numbers for choosing rows (SplitMix64: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
//! generators"). The seed is fixed, so that the same table gives the same sample. Not for secrets.

/// The generator.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Self {
        Self(0x5eed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is at least 1.
    pub(crate) fn below(&mut self, bound: u128) -> u128 {
        let wide = (u128::from(self.next()) << 64) | u128::from(self.next());
        wide % bound.max(1)
    }

    /// Puts a list into a random order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (1..list.len()).rev() {
            let chosen = usize::try_from(self.below(end as u128 + 1)).unwrap_or(end);
            list.swap(end, chosen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_keeps_everything_and_is_the_same_each_time() {
        let shuffled = || {
            let mut list: Vec<u32> = (0..100).collect();
            Random::new().shuffle(&mut list);
            list
        };
        let mut once = shuffled();
        assert_eq!(once, shuffled());
        assert_ne!(once, (0..100).collect::<Vec<_>>());
        once.sort_unstable();
        assert_eq!(once, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn numbers_stay_below_their_bound_and_reach_all_of_it() {
        let mut random = Random::new();
        let mut seen = [0; 10];
        for _ in 0..10_000 {
            seen[usize::try_from(random.below(10)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|count| (850..1_150).contains(count)), "{seen:?}");
        assert_eq!(random.below(1), 0);
    }
}
