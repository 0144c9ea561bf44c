//! The nodes of a group, as flags give them: `1=host:port,2=host:port`.

use std::collections::BTreeSet;

use crate::raft::NodeId;

/// Reads a list of nodes.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(text: &str) -> Result<Vec<(NodeId, String)>, String> {
    let mut ids = BTreeSet::new();
    let mut peers = Vec::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (id, address) =
            part.split_once('=').ok_or_else(|| format!("{part:?}: expected N=HOST:PORT"))?;
        let id = id.parse().map_err(|_| format!("{part:?}: {id:?} is no node's number"))?;
        let is_address = address
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        if !is_address {
            return Err(format!("{part:?}: {address:?} is no HOST:PORT"));
        }
        if !ids.insert(id) {
            return Err(format!("node {id} is there twice"));
        }
        peers.push((id, address.to_owned()));
    }
    if peers.is_empty() {
        return Err("expected N=HOST:PORT, and commas between several".into());
    }
    Ok(peers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_come_in_the_order_given() {
        let peers = parse("2=b:7002,0=127.0.0.1:7000,1=[::1]:7001,").unwrap();
        let shown: Vec<_> = peers.iter().map(|(id, at)| (*id, at.as_str())).collect();
        assert_eq!(shown, [(2, "b:7002"), (0, "127.0.0.1:7000"), (1, "[::1]:7001")]);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for text in ["", ",", "a:1", "x=a:1", "1=a", "1=:5", "1=a:99999", "1=a:1,1=b:1", "-1=a:1"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
