//! Server-sent events, as far as MCP uses them: the `data` of each event (HTML standard, section 9.2).

/// Cuts a byte stream into the data of its events.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// The line that has not ended yet.
    line: Vec<u8>,
    data: Option<String>,
}

impl Events {
    /// The data of the events that end within `chunk`. An event without data, such as one that only carries an id, is none.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Vec<String> {
        let mut ended = Vec::new();
        for &byte in chunk {
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            let line = String::from_utf8_lossy(&self.line).into_owned();
            self.line.clear();
            let line = line.strip_suffix('\r').unwrap_or(&line);
            if line.is_empty() {
                ended.extend(self.data.take().filter(|data| !data.is_empty()));
            } else if let Some(data) = line.strip_prefix("data:") {
                let data = data.strip_prefix(' ').unwrap_or(data);
                match &mut self.data {
                    Some(earlier) => *earlier = format!("{earlier}\n{data}"),
                    None => self.data = Some(data.to_owned()),
                }
            }
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_cut_wherever_the_chunks_end() {
        let text = ": hello\r\n\r\nid: 1\ndata:\n\ndata: {\"a\":\r\ndata: 1}\r\n\r\nevent: x\ndata:2\n\ndata: half";
        for size in 1..=text.len() {
            let mut events = Events::default();
            let found: Vec<_> =
                text.as_bytes().chunks(size).flat_map(|chunk| events.push(chunk)).collect();
            assert_eq!(found, ["{\"a\":\n1}", "2"], "chunks of {size}");
        }
    }
}
