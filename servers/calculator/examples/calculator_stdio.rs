//! The calculator alone, over stdin and stdout: what its tests start as a process, and the shortest program around a server
//! that is a library.

use std::time::Duration;

use wharf::{
    Caller,
    transport::{Shutdown, stdio},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let service = wharf_calculator::server(wharf_calculator::Settings::default()).build()?;
    stdio::serve(&service, Caller::local(), &Shutdown::on_signals(Duration::from_secs(5))?).await?;
    Ok(())
}
