//! What a test may hand over as a server: one under construction, or one that is built.

use wharf::{Server, Service};

/// A server under test.
pub trait IntoService {
    /// Builds it, if it is not built yet.
    ///
    /// # Panics
    /// When it can't be built; the message says what is wrong with it.
    fn into_service(self) -> Service;
}

impl IntoService for Server {
    #[track_caller]
    fn into_service(self) -> Service {
        match self.build() {
            Ok(service) => service,
            Err(error) => panic!("the server can't be built: {error}"),
        }
    }
}

impl IntoService for Service {
    fn into_service(self) -> Service {
        self
    }
}

impl IntoService for &Service {
    fn into_service(self) -> Service {
        self.clone()
    }
}
