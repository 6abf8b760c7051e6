//! References to one value that cores do not take out of each other's hands.
//!
//! Whoever takes or gives back a reference writes to a counter. When two cores write to the same one, its cache line moves between
//! them each time, which costs more than most layers do. A [`Shared`] value has one counter for each of a few groups of threads, in
//! cache lines of their own.

use std::{
    fmt,
    ops::Deref,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

/// More groups than this bring nothing that their memory would be worth.
const MAX_GROUPS: usize = 8;

/// In cache lines of its own. Processors fetch them in pairs of 64 bytes.
#[derive(Debug)]
#[repr(align(128))]
struct Apart<T>(T);

/// How many groups of threads there are: one for each core, up to a bound.
fn groups() -> usize {
    static GROUPS: OnceLock<usize> = OnceLock::new();
    *GROUPS.get_or_init(|| {
        std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MAX_GROUPS))
    })
}

/// The group of this thread: threads are dealt out in the order in which they first ask.
fn group() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! { static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed); }
    // A thread that is ending may ask once more; any group will do.
    OWN.try_with(|own| *own).unwrap_or_default() % groups()
}

/// A value that many threads hold.
pub(crate) struct Shared<T>(Arc<[Held<T>]>);

/// A reference to a [`Shared`] value.
pub(crate) struct Held<T>(Arc<Apart<Arc<T>>>);

impl<T> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Self::of(Arc::new(value))
    }

    pub(crate) fn of(value: Arc<T>) -> Self {
        let held = |_| Held(Arc::new(Apart(Arc::clone(&value))));
        Self((0..groups()).map(held).collect())
    }

    /// A reference, counted in this thread's group.
    pub(crate) fn hold(&self) -> Held<T> {
        self.0[group()].clone()
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0[0]
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> Held<T> {
    /// A reference that does not keep the value alive.
    pub(crate) fn downgrade(&self) -> Weak<T> {
        Arc::downgrade(&self.0.0)
    }
}

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// One value for each group of threads.
#[derive(Debug)]
pub(crate) struct PerGroup<T>(Box<[Apart<T>]>);

impl<T> PerGroup<T> {
    pub(crate) fn new(mut value: impl FnMut() -> T) -> Self {
        Self((0..groups()).map(|_| Apart(value())).collect())
    }

    /// That of this thread's group.
    pub(crate) fn own(&self) -> &T {
        &self.0[group()].0
    }

    /// Those of all groups.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|apart| &apart.0)
    }
}

/// Copies of a value, each used by one thread at a time and then put back. A copy is made when there is none to be had.
pub(crate) struct Copies<T> {
    original: T,
    spare: PerGroup<Mutex<Option<T>>>,
}

impl<T: Clone> Copies<T> {
    pub(crate) fn of(original: T) -> Self {
        Self { original, spare: PerGroup::new(|| Mutex::new(None)) }
    }

    /// Uses a copy. One that panics is not used again.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let spare = self.spare.own();
        let lock = || spare.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken out, and not only borrowed: the work may need a copy itself.
        let taken = lock().take();
        let mut copy = taken.unwrap_or_else(|| self.original.clone());
        let result = work(&mut copy);
        // What was put there meanwhile is dropped outside the lock.
        let extra = lock().replace(copy);
        drop(extra);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_is_to_the_same_value_which_lives_as_long_as_one_of_them() {
        let value = Arc::new(7);
        let weak = Arc::downgrade(&value);
        let shared = Shared::of(value);
        let held: Vec<_> = (0..20)
            .map(|_| {
                let shared = shared.clone();
                std::thread::spawn(move || shared.hold()).join().unwrap()
            })
            .collect();
        assert!(held.iter().all(|held| std::ptr::eq::<i32>(&**held, &*shared)));
        drop(shared);
        assert_eq!(weak.upgrade().as_deref(), Some(&7));
        drop(held);
        assert_eq!(weak.upgrade(), None);
    }

    #[test]
    fn a_copy_is_used_again_unless_its_work_panicked() {
        #[derive(Clone)]
        struct Counted(Arc<AtomicUsize>, u32);
        let copies = Copies::of(Counted(Arc::default(), 0));
        let count = |copies: &Copies<Counted>| {
            copies.with(|copy| {
                copy.1 += 1;
                copy.1
            })
        };
        assert_eq!((count(&copies), count(&copies)), (1, 2));
        let nested = copies.with(|outer| {
            outer.1 += 1;
            (outer.1, count(&copies))
        });
        assert_eq!(nested, (3, 1));
        assert_eq!(count(&copies), 4);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            copies.with(|_| panic!("no"));
        }));
        assert!(panicked.is_err());
        assert_eq!(count(&copies), 1);
        assert_eq!(Arc::strong_count(&copies.original.0), 2);
    }
}
