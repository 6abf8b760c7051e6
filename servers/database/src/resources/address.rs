//! `db://{database}/{table}/{key}`: the addresses of rows.
//!
//! Every part is percent-encoded (RFC 3986 section 2.1) but for letters, digits and `-._~`. The values of a key that has
//! several columns stand in key order with commas between them, as RFC 6570 expands a list; a comma inside a value is
//! `%2C`. A client that expands the template with the text `a,b` encodes that comma too: this is understood where the key
//! has several columns, because nothing else can be meant.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What does not stand for itself (RFC 3986 section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The address of a row, read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RowAddress {
    pub(super) database: String,
    /// The table's name, or `schema.table`.
    pub(super) table: String,
    key: Vec<String>,
}

impl RowAddress {
    /// The parts of an address that fits the template; `None` when it does not.
    pub(super) fn parse(uri: &str) -> Option<Self> {
        let mut parts = uri.strip_prefix("db://")?.split('/');
        let (database, table, key) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || [database, table, key].contains(&"") {
            return None;
        }
        let key = key.split(',').map(decode).collect::<Option<_>>()?;
        Some(Self { database: decode(database)?, table: decode(table)?, key })
    }

    /// The values of a key that has so many columns.
    pub(super) fn key(&self, columns: usize) -> Vec<String> {
        if let ([whole], 2..) = (&*self.key, columns) {
            let parts: Vec<String> = whole.split(',').map(str::to_owned).collect();
            if parts.len() == columns {
                return parts;
            }
        }
        self.key.clone()
    }
}

fn decode(part: &str) -> Option<String> {
    percent_decode_str(part).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// One part, so that it is a part whatever it holds.
pub(super) fn encode(part: &str) -> String {
    utf8_percent_encode(part, RESERVED).to_string()
}

/// The address of a row.
pub(crate) fn row_uri(database: &str, table: &str, key: &[String]) -> String {
    let key: Vec<String> = key.iter().map(|part| encode(part)).collect();
    format!("db://{}/{}/{}", encode(database), encode(table), key.join(","))
}

/// Every spelling under which a client may have asked for a row: as [`row_uri`] writes it, and as an expanded template.
pub(crate) fn row_uris(database: &str, table: &str, key: &[String]) -> Vec<String> {
    let mut uris = vec![row_uri(database, table, key)];
    if key.len() > 1 && key.iter().all(|part| !part.contains(',')) {
        uris.push(row_uri(database, table, &[key.join(",")]));
    }
    uris
}

/// A table's name as it stands in an address.
pub(crate) fn table_part(schema: Option<&str>, name: &str) -> String {
    match schema {
        Some(schema) => format!("{schema}.{name}"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(uri: &str, expected: Option<(&str, &str, &[&str])>) {
        let found = RowAddress::parse(uri);
        let expected = expected.map(|(database, table, key)| RowAddress {
            database: database.into(),
            table: table.into(),
            key: key.iter().map(|part| (*part).to_owned()).collect(),
        });
        assert_eq!(found, expected, "{uri}");
    }

    #[test]
    fn addresses_are_taken_apart() {
        check("db://main/users/1", Some(("main", "users", &["1"])));
        check("db://main/routes/SFO,LAX", Some(("main", "routes", &["SFO", "LAX"])));
        check("db://main/routes/SFO%2CLAX", Some(("main", "routes", &["SFO,LAX"])));
        check("db://main/a%2Fb%25%20%22/%2F", Some(("main", "a/b% \"", &["/"])));
        check("db://main/public.gr%C3%B6%C3%9Fe/%E2%82%AC", Some(("main", "public.größe", &["€"])));
        check("db://main/größe/,", Some(("main", "größe", &["", ""])));
        check("db://users/1 OR 1=1", None);
        check("db://pg_authid/1", None);
        check("db://main/users/", None);
        check("db://main/users/1/2", None);
        check("db://main/users/%ff", None);
        check("file://main/users/1", None);
    }

    #[test]
    fn a_key_of_several_columns_may_have_encoded_commas() {
        let key = |uri: &str, columns| RowAddress::parse(uri).unwrap().key(columns);
        assert_eq!(key("db://m/t/a%2Cb", 2), ["a", "b"]);
        assert_eq!(key("db://m/t/a%2Cb", 1), ["a,b"]);
        assert_eq!(key("db://m/t/a%2Cb,c", 2), ["a,b", "c"]);
        // Three values for two columns: which is which is not guessed.
        assert_eq!(key("db://m/t/a%2Cb%2Cc", 2), ["a,b,c"]);
        assert_eq!(key("db://m/t/a,b", 1), ["a", "b"]);
    }

    #[test]
    fn every_spelling_of_an_address_is_told() {
        let uris = |key: &[&str]| {
            row_uris("m", "t", &key.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(uris(&["1"]), ["db://m/t/1"]);
        assert_eq!(uris(&["a", "b"]), ["db://m/t/a,b", "db://m/t/a%2Cb"]);
        assert_eq!(uris(&["a,b", "c"]), ["db://m/t/a%2Cb,c"]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            table in "\\PC{1,20}",
            key in proptest::collection::vec("\\PC{0,20}|[\u{0}-\u{7f}]{0,9}", 1..4),
        ) {
            prop_assume!(key.len() > 1 || !key[0].is_empty());
            let uri = row_uri("main", &table, &key);
            prop_assert!(uri.is_ascii());
            let address = RowAddress::parse(&uri).unwrap();
            prop_assert_eq!(&address.table, &table);
            prop_assert_eq!(address.key(key.len()), key);
        }
    }
}
