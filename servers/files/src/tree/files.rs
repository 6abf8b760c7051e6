//! The roots as their callers see them: asynchronous, bounded, and without work that nobody waits for.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    complete,
    gate::Gate,
    list::{self, DirectoryPage, ListRequest},
    path::TreePath,
    read::{self, FileContents, ReadRequest},
    root::Root,
    stop::{CancelOnDrop, Stop},
    suggest,
};
use crate::{error::FilesError, limits::Limits, settings::FilesSettings};

/// Folders that can only be read. Clones share their handles.
///
/// Every request may be dropped at any time: its thread stops at the next step.
#[derive(Clone)]
pub struct Files {
    inner: Arc<Inner>,
}

struct Inner {
    roots: Vec<Root>,
    limits: Limits,
    gate: Gate,
    closing: CancellationToken,
    tasks: TaskTracker,
}

impl Files {
    /// Checks the settings and opens every root. Blocks for as long as opening them does.
    ///
    /// # Errors
    /// [`FilesError::InvalidArgument`] names the setting that cannot be used, [`FilesError::Unavailable`] the root that cannot
    /// be opened.
    pub fn open(settings: &FilesSettings) -> Result<Self, FilesError> {
        settings.check()?;
        let roots = settings.roots.iter().map(Root::open).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            inner: Arc::new(Inner {
                roots,
                limits: settings.limits.clone(),
                gate: Gate::new(&settings.limits),
                closing: CancellationToken::new(),
                tasks: TaskTracker::new(),
            }),
        })
    }

    /// The bounds on one request.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// One page of a directory, or the roots.
    ///
    /// # Errors
    /// Every [`FilesError`].
    pub async fn list(&self, request: ListRequest) -> Result<DirectoryPage, FilesError> {
        let Some(path) = &request.path else {
            if request.cursor.is_some() {
                let rule = "needs the path of the directory that it came with";
                return Err(FilesError::invalid("cursor", rule));
            }
            return Ok(list::roots(&self.inner.roots));
        };
        let path = self.inner.parse(path)?;
        self.run(move |inner, stop| {
            inner.at(&path, stop, |root| list::page(root, &path, &request, &inner.limits, stop))
        })
        .await
    }

    /// A part of a file.
    ///
    /// # Errors
    /// Every [`FilesError`].
    pub async fn read(&self, request: ReadRequest) -> Result<FileContents, FilesError> {
        let path = self.inner.parse(&request.path)?;
        self.run(move |inner, stop| {
            inner.at(&path, stop, |root| read::part(root, &path, &request, &inner.limits, stop))
        })
        .await
    }

    /// A whole file.
    ///
    /// # Errors
    /// Every [`FilesError`]; [`FilesError::TooLarge`] where it is larger than one read may be.
    pub async fn read_whole(&self, path: &str) -> Result<FileContents, FilesError> {
        let path = self.inner.parse(path)?;
        self.run(move |inner, stop| {
            inner.at(&path, stop, |root| read::whole(root, &path, &inner.limits, stop))
        })
        .await
    }

    /// Paths that begin with `typed`, at most 100. Directories end in a slash.
    ///
    /// # Errors
    /// Every [`FilesError`].
    pub async fn complete(&self, typed: &str) -> Result<Vec<String>, FilesError> {
        let Some((directory, prefix)) = typed.rsplit_once('/') else {
            return Ok(complete::roots(&self.inner.roots, typed));
        };
        let (directory, prefix) = (self.inner.parse(directory)?, prefix.to_owned());
        self.run(move |inner, stop| {
            let root = inner.root(&directory)?;
            complete::entries(root, &directory, &prefix, &inner.limits, stop)
        })
        .await
    }

    /// Whether every root still is there.
    ///
    /// # Errors
    /// [`FilesError::Unavailable`] names the first that is not.
    pub async fn check(&self) -> Result<(), FilesError> {
        self.run(|inner, _| inner.roots.iter().try_for_each(Root::check)).await
    }

    /// Refuses new requests, stops the running ones and waits until no thread works any more.
    pub async fn close(&self) {
        self.inner.closing.cancel();
        self.inner.gate.close();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    /// Runs blocking work on a thread, and answers as soon as it is done or stopped.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner, &Stop) -> Result<T, FilesError> + Send + 'static,
    ) -> Result<T, FilesError> {
        let inner = &self.inner;
        let permit = tokio::select! {
            biased;
            () = inner.closing.cancelled() => return Err(FilesError::Cancelled),
            permit = inner.gate.enter() => permit?,
        };
        let stop = Stop::new(inner.limits.timeout);
        let _cancel_on_drop = CancelOnDrop(stop.clone());
        let task = {
            let (inner, stop) = (Arc::clone(inner), stop.clone());
            self.inner.tasks.spawn_blocking(move || inner.run_blocking(permit, &stop, work))
        };
        // The thread sees the stop at its next step; the caller need not wait for it. Should the file system itself hang, the
        // thread keeps its permit, so that at most `max_concurrent` threads can ever be lost to it.
        tokio::select! {
            biased;
            done = task => {
                done.unwrap_or_else(|error| Err(FilesError::internal(error.to_string())))
            }
            () = inner.closing.cancelled() => {
                stop.cancel();
                Err(FilesError::Cancelled)
            }
            () = tokio::time::sleep(inner.limits.timeout) => {
                stop.time_out();
                Err(FilesError::Timeout { timeout: inner.limits.timeout })
            }
        }
    }

    /// Waits until no thread works, without closing.
    #[cfg(test)]
    pub(crate) async fn settled(&self) {
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        self.inner.tasks.reopen();
    }
}

impl Inner {
    fn run_blocking<T>(
        &self,
        permit: OwnedSemaphorePermit,
        stop: &Stop,
        work: impl FnOnce(&Self, &Stop) -> Result<T, FilesError>,
    ) -> Result<T, FilesError> {
        // Whoever asked may be gone by now.
        stop.check()?;
        let answer = work(self, stop);
        drop(permit);
        answer
    }

    fn parse(&self, path: &str) -> Result<TreePath, FilesError> {
        let path = TreePath::parse(path, &self.limits)?;
        self.root(&path)?;
        Ok(path)
    }

    fn root(&self, path: &TreePath) -> Result<&Root, FilesError> {
        let found = self.roots.iter().find(|root| root.name() == path.root());
        found.ok_or_else(|| FilesError::UnknownRoot {
            name: path.root().to_owned(),
            roots: self.roots.iter().map(|root| root.name().to_owned()).collect(),
        })
    }

    /// Works on the root of `path`; where nothing is there, the error names what is near.
    fn at<T>(
        &self,
        path: &TreePath,
        stop: &Stop,
        work: impl FnOnce(&Root) -> Result<T, FilesError>,
    ) -> Result<T, FilesError> {
        let root = self.root(path)?;
        work(root).map_err(|error| suggest::improve(error, root, path, stop))
    }
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
