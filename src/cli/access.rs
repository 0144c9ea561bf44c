//! What each method demands of its caller, where a server enforces roles (`--certs`,
//! `--tls-client-ca`). A method that is not in the table is refused there.
//!
//! A market's customers need no certificate: they are known by the UUIDs that they keep.

use crate::call::Access::{self, Admin, Anyone, Client, Submit, Worker};

/// All methods of all services, by full path.
pub(super) const METHODS: &[(&str, Access)] = &[
    ("/grpc.health.v1.Health/Check", Anyone),
    ("/grpc.health.v1.Health/List", Anyone),
    ("/grpc.health.v1.Health/Watch", Anyone),
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Anyone),
    ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Anyone),
    // The handler demands the certificate of one certain node, with or without roles.
    ("/agora.raft.v1.RaftService/Exchange", Client),
    ("/agora.kv.v1.KvService/Get", Client),
    ("/agora.kv.v1.KvService/Set", Client),
    ("/agora.kv.v1.KvService/Delete", Client),
    ("/agora.kv.v1.KvService/CompareAndSet", Client),
    ("/agora.kv.v1.KvService/Scan", Client),
    ("/agora.kv.v1.KvService/Watch", Client),
    ("/agora.kv.v1.KvService/Status", Client),
    ("/agora.kv.v1.KvService/OpenSession", Client),
    ("/agora.kv.v1.KvService/TransferLeadership", Admin),
    ("/RaftService/ServeClient", Client),
    ("/agora.node.v1.NodeService/Describe", Client),
    ("/agora.node.v1.NodeService/Watch", Client),
    ("/agora.market.v1.MarketService/RegisterSeller", Anyone),
    ("/agora.market.v1.MarketService/RegisterBuyer", Anyone),
    ("/agora.market.v1.MarketService/SellItem", Anyone),
    ("/agora.market.v1.MarketService/UpdateItem", Anyone),
    ("/agora.market.v1.MarketService/DeleteItem", Anyone),
    ("/agora.market.v1.MarketService/DisplaySellerItems", Anyone),
    ("/agora.market.v1.MarketService/SearchItem", Anyone),
    ("/agora.market.v1.MarketService/GetItem", Anyone),
    ("/agora.market.v1.MarketService/BuyItem", Anyone),
    ("/agora.market.v1.MarketService/AddToWishList", Anyone),
    ("/agora.market.v1.MarketService/RemoveFromWishList", Anyone),
    ("/agora.market.v1.MarketService/ViewWishList", Anyone),
    ("/agora.market.v1.MarketService/RateItem", Anyone),
    ("/agora.market.v1.MarketService/BuyerOrders", Anyone),
    ("/agora.market.v1.MarketService/SellerOrders", Anyone),
    ("/agora.market.v1.MarketService/WatchNotifications", Anyone),
    ("/agora.market.v1.MarketService/AcknowledgeNotifications", Anyone),
    ("/agora.market.v1.MarketAdminService/ModerateAccount", Admin),
    ("/agora.market.v1.MarketAdminService/ModerateItem", Admin),
    ("/agora.market.v1.MarketAdminService/ListRestrictedAccounts", Admin),
    ("/agora.market.v1.MarketAdminService/ListRemovedItems", Admin),
    ("/agora.mapreduce.v1.WorkerService/OpenJob", Submit),
    ("/agora.mapreduce.v1.WorkerService/HoldJob", Submit),
    ("/agora.mapreduce.v1.WorkerService/Ping", Worker),
    ("/agora.mapreduce.v1.WorkerService/PutParameter", Submit),
    ("/agora.mapreduce.v1.WorkerService/ReadOutput", Submit),
    ("/agora.mapreduce.v1.MapperService/Map", Submit),
    ("/agora.mapreduce.v1.MapperService/PutSplit", Submit),
    ("/agora.mapreduce.v1.MapperService/Fetch", Worker),
    ("/agora.mapreduce.v1.ReducerService/Reduce", Submit),
    ("/agora.mapreduce.v1.ReducerService/Announce", Submit),
    ("/agora.mapreduce.v1.JobService/Describe", Client),
    ("/agora.mapreduce.v1.JobService/Watch", Client),
    // For measurements and for the interoperability tests of gRPC: they hold no data.
    ("/agora.bench.v1.EchoService/Echo", Anyone),
    ("/agora.bench.v1.EchoService/EchoStream", Anyone),
    ("/grpc.testing.TestService/EmptyCall", Anyone),
    ("/grpc.testing.TestService/UnaryCall", Anyone),
    ("/grpc.testing.TestService/CacheableUnaryCall", Anyone),
    ("/grpc.testing.TestService/StreamingOutputCall", Anyone),
    ("/grpc.testing.TestService/StreamingInputCall", Anyone),
    ("/grpc.testing.TestService/FullDuplexCall", Anyone),
    ("/grpc.testing.TestService/HalfDuplexCall", Anyone),
    ("/grpc.testing.TestService/UnimplementedCall", Anyone),
    ("/grpc.testing.UnimplementedService/UnimplementedCall", Anyone),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Adds the paths of the methods that the `.proto` files in a folder define.
    fn add_paths(folder: &Path, paths: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add_paths(&path, paths);
                continue;
            }
            let (mut package, mut service) = (String::new(), String::new());
            for line in fs::read_to_string(&path).unwrap().lines() {
                let words: Vec<&str> = line.split([' ', '(', ';', '{']).collect();
                match words.as_slice() {
                    ["package", name, ..] => package = format!("{name}."),
                    ["service", name, ..] => service = format!("{package}{name}"),
                    ["", "", "rpc", name, ..] => {
                        paths.insert(format!("/{service}/{name}"));
                    }
                    _ => (),
                }
            }
        }
    }

    #[test]
    fn every_method_of_the_schemas_is_in_the_table_once() {
        let mut paths = BTreeSet::new();
        add_paths(&Path::new(env!("CARGO_MANIFEST_DIR")).join("proto"), &mut paths);
        assert!(paths.len() > 40, "{paths:?}");
        let listed: BTreeSet<String> = METHODS.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(listed.len(), METHODS.len(), "a method is in the table twice");
        let missing: Vec<_> = paths.difference(&listed).collect();
        assert!(missing.is_empty(), "not in the table: {missing:?}");
        let unknown: Vec<_> = listed.difference(&paths).collect();
        assert!(unknown.is_empty(), "in no schema: {unknown:?}");
    }
}
