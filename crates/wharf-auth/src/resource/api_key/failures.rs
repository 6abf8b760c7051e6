//! Slows down who tries keys.
//!
//! Each address may fail a number of times within a window; further failures get 429 until time has passed, by the generic
//! cell rate algorithm (ITU-T I.371). The table has a fixed number of places and an address is hashed to one of them, so
//! that millions of addresses need no more memory than one. Two that share a place share their failures, which harms
//! nobody with a right key: only failures are counted and refused, never a key that is good. Keys can't be guessed (256
//! random bits; chosen ones are checked), so refusing a good key would only let somebody lock out their neighbours.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    net::{IpAddr, Ipv6Addr},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

/// Places of the table: 512 KiB.
const PLACES: usize = 1 << 16;

/// How many failures an address may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureLimit {
    /// So many at once.
    pub failures: u32,
    /// And so many again within this time.
    pub window: Duration,
}

impl Default for FailureLimit {
    /// 10 in a minute.
    fn default() -> Self {
        Self { failures: 10, window: Duration::from_secs(60) }
    }
}

pub(super) struct Failures {
    began: Instant,
    window_us: u64,
    interval_us: u64,
    hasher: RandomState,
    /// For each place, when its failures are forgotten, in microseconds since `began`.
    places: Box<[AtomicU64]>,
    /// When the next failure may be logged as a warning, in microseconds since `began`.
    quiet_until: AtomicU64,
}

impl Failures {
    pub(super) fn new(limit: FailureLimit) -> Self {
        let window_us = u64::try_from(limit.window.as_micros()).unwrap_or(u64::MAX / 4);
        let window_us = window_us.clamp(1, u64::MAX / 4);
        Self {
            began: Instant::now(),
            window_us,
            interval_us: (window_us / u64::from(limit.failures.max(1))).max(1),
            hasher: RandomState::new(),
            places: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            quiet_until: AtomicU64::new(0),
        }
    }

    /// Whether a failure may be told in the log: one in a second, since whoever fails must not be able to fill a disk.
    pub(super) fn may_be_told(&self) -> bool {
        let now = self.now_us();
        let told = self.quiet_until.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |until| {
            (until <= now).then(|| now.saturating_add(1_000_000))
        });
        told.is_ok()
    }

    /// Counts a failure.
    ///
    /// # Errors
    /// With the seconds to wait, when there were too many.
    pub(super) fn count(&self, address: Option<IpAddr>) -> Result<(), u64> {
        let now = self.now_us();
        let place = &self.places[self.place(address)];
        let latest = now.saturating_add(self.window_us);
        let after = |forgotten: u64| forgotten.max(now).saturating_add(self.interval_us);
        let counted = place.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |forgotten| {
            Some(after(forgotten)).filter(|after| *after <= latest)
        });
        let wait_us = |forgotten| after(forgotten).saturating_sub(latest);
        counted.map(drop).map_err(|forgotten| wait_us(forgotten).div_ceil(1_000_000).max(1))
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX / 4)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a hash is cut to the size of the table")]
    fn place(&self, address: Option<IpAddr>) -> usize {
        self.hasher.hash_one(address.map(block)) as usize % PLACES
    }
}

/// The block that one client can be taken to have: an IPv4 address, or the 64 bits of an IPv6 network.
fn block(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_counted_for_each_address_and_forgotten_with_time() {
        let failures = Failures::new(FailureLimit { failures: 3, window: Duration::from_secs(30) });
        for _ in 0..3 {
            assert_eq!(failures.count(address("192.0.2.1")), Ok(()));
        }
        assert_eq!(failures.count(address("192.0.2.1")), Err(10));
        assert_eq!(failures.count(address("::ffff:192.0.2.1")), Err(10));
        tokio::time::advance(Duration::from_millis(9_500)).await;
        assert_eq!(failures.count(address("192.0.2.1")), Err(1));
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(failures.count(address("192.0.2.1")), Ok(()));
        assert_eq!(failures.count(address("192.0.2.1")), Err(10));
        tokio::time::advance(Duration::from_secs(30)).await;
        for _ in 0..3 {
            assert_eq!(failures.count(address("192.0.2.1")), Ok(()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_ipv6_network_counts_as_one() {
        let failures = Failures::new(FailureLimit { failures: 2, window: Duration::from_secs(2) });
        assert_eq!(failures.count(address("2001:db8:0:1::1")), Ok(()));
        assert_eq!(failures.count(address("2001:db8:0:1:ffff::2")), Ok(()));
        assert_eq!(failures.count(address("2001:db8:0:1::3")), Err(1));
        assert_eq!(block("2001:db8:0:1::1".parse().unwrap()), address("2001:db8:0:1::").unwrap());
        assert_ne!(block("2001:db8:0:2::".parse().unwrap()), address("2001:db8:0:1::").unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn millions_of_addresses_need_no_more_memory_than_one() {
        let failures = Failures::new(FailureLimit::default());
        for number in 0..2_000_000_u32 {
            let _ = failures.count(Some(IpAddr::from(number.to_be_bytes())));
        }
        // The table is all there is: a boxed slice has no room to grow into.
        assert_eq!(std::mem::size_of_val(&*failures.places), 512 * 1024);
        // With 30 failures in each place, everybody who fails waits.
        assert!(failures.count(address("203.0.113.9")).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_told_once_in_a_second() {
        let failures = Failures::new(FailureLimit::default());
        assert!(failures.may_be_told() && !failures.may_be_told());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(failures.may_be_told() && !failures.may_be_told());
    }

    #[test]
    fn two_at_once_are_both_counted() {
        let failures =
            Failures::new(FailureLimit { failures: 1_000, window: Duration::from_secs(3_600) });
        let good: usize = std::thread::scope(|scope| {
            let run = || (0..1_000).filter(|_| failures.count(None).is_ok()).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        // One more may have been forgotten while they ran.
        assert!((1_000..=1_010).contains(&good), "{good}");
    }
}
