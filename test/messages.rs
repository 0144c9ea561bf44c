//! Every generated message against the structural check: a message that its shape allows decodes,
//! and is equal after encoding and decoding. A damaged one is refused or satisfies the same.

#[path = "support/seed.rs"]
mod seed;

use std::collections::BTreeSet;

use agora::pb::{
    agora_bench_v1, agora_kv_v1, agora_mapreduce_v1, agora_market_v1, agora_native_v1,
    agora_raft_v1, grpc_health_v1, grpc_reflection_v1, grpc_testing, no_package,
};
use agora::protobuf::{Checked, Error, Kind, Shape, Width, decode, encode};
use quick_protobuf::MessageWrite;
use seed::{Seed, each_seed};

/// One message type, its name and what is done with its bytes.
struct Type {
    shape: &'static Shape,
    round_trip: fn(&[u8]) -> Result<(), Error>,
}

macro_rules! types {
    ($($package:ident: $($($name:ident)::+),+;)+) => {
        vec![$($(Type {
            shape: <$package::$($name)::+ as Checked>::SHAPE,
            round_trip: |bytes| {
                let message: $package::$($name)::+ = decode(bytes)?;
                let again = encode(&message);
                assert_eq!(again.len(), message.get_size());
                let second: $package::$($name)::+ = decode(&again).expect("what we encode");
                assert_eq!(second, message);
                Ok(())
            },
        }),+),+]
    };
}

fn types() -> Vec<Type> {
    types! {
        agora_bench_v1: EchoRequest, EchoResponse, EchoStreamRequest, EchoStreamResponse;
        agora_kv_v1: Pair, Origin, Value, GetRequest, GetResponse, SetRequest, SetResponse,
            DeleteRequest, DeleteResponse, CompareAndSetRequest, CompareAndSetResponse, ScanRequest,
            ScanResponse, WatchRequest, WatchStart, Change, WatchResponse, StatusRequest,
            StatusResponse, Peer, PeerStatus, LastHeard, TransferLeadershipRequest,
            TransferLeadershipResponse, OpenSessionRequest, OpenSessionResponse;
        agora_mapreduce_v1: OpenJobRequest, InputFile, OpenJobResponse, HoldJobRequest,
            HoldJobResponse, PingRequest, PingResponse, Progress, PutParameterRequest,
            PutParameterResponse, PutSplitRequest, PutSplitResponse, Split, FileRange, Parameter,
            MapRequest, MapResponse, Counter, FetchRequest, FetchResponse, MapOutput, ReduceRequest,
            ReduceResponse, AnnounceRequest, LostOutput, AnnounceResponse, ReadOutputRequest,
            ReadOutputResponse;
        agora_market_v1: Item, Order, Notification, RegisterSellerRequest, RegisterSellerResponse,
            RegisterBuyerRequest, RegisterBuyerResponse,
            SellItemRequest, SellItemResponse, UpdateItemRequest, UpdateItemResponse,
            DeleteItemRequest, DeleteItemResponse, DisplaySellerItemsRequest,
            DisplaySellerItemsResponse, SearchItemRequest, SearchItemResponse, GetItemRequest,
            GetItemResponse, BuyItemRequest, BuyItemResponse, AddToWishListRequest,
            AddToWishListResponse, RemoveFromWishListRequest, RemoveFromWishListResponse,
            ViewWishListRequest, ViewWishListResponse, RateItemRequest, RateItemResponse,
            BuyerOrdersRequest, BuyerOrdersResponse, SellerOrdersRequest, SellerOrdersResponse,
            WatchNotificationsRequest, WatchNotificationsResponse,
            AcknowledgeNotificationsRequest, AcknowledgeNotificationsResponse, UInt32Value,
            UInt64Value;
        agora_raft_v1: ExchangeRequest, ExchangeResponse, Hello, Introduction, Member, Remembered,
            Message, PreVote, PreVoteReply,
            RequestVote, Released, RequestVoteReply, Promise, AppendEntries, Entry, Origin,
            AppendEntriesReply, Matched, Conflict, Stale, SnapshotMark, InstallSnapshot,
            InstallSnapshotReply, TimeoutNow;
        agora_native_v1: Hello, MetadataField, RequestHeader, ResponseHeader, Trailers, GoAway;
        grpc_health_v1: HealthCheckRequest, HealthCheckResponse, HealthListRequest,
            HealthListResponse, mod_HealthListResponse::StatusesEntry;
        grpc_reflection_v1: ServerReflectionRequest, ExtensionRequest, ServerReflectionResponse,
            FileDescriptorResponse, ExtensionNumberResponse, ListServiceResponse, ServiceResponse,
            ErrorResponse;
        grpc_testing: Empty, BoolValue, Payload, EchoStatus, SimpleRequest, SimpleResponse,
            StreamingInputCallRequest, StreamingInputCallResponse, ResponseParameters,
            StreamingOutputCallRequest, StreamingOutputCallResponse;
        no_package: ServeClientArgs, ServeClientReply;
    }
}

/// A message that its shape allows, with every field present two times in three.
fn allowed(seed: &mut Seed, shape: &Shape) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in shape.fields() {
        let times = if field.repeated && !matches!(field.kind, Kind::Packed(_)) { 3 } else { 1 };
        for _ in 0..times {
            if seed.one_in(3) {
                continue;
            }
            let wire_type = match field.kind {
                Kind::Varint(_) => 0,
                Kind::Fixed64 => 1,
                Kind::Bytes | Kind::Text | Kind::Message(_) | Kind::Packed(_) => 2,
                Kind::Fixed32 => 5,
            };
            push_varint(&mut bytes, u64::from(field.number << 3 | wire_type));
            push_value(&mut bytes, seed, field.kind);
        }
    }
    bytes
}

fn push_value(bytes: &mut Vec<u8>, seed: &mut Seed, kind: Kind) {
    match kind {
        Kind::Varint(width) => {
            let value = number(seed, width);
            push_varint(bytes, value);
        }
        Kind::Fixed64 => bytes.extend(seed.bytes(8)),
        Kind::Fixed32 => bytes.extend(seed.bytes(4)),
        Kind::Bytes => {
            let len = seed.below(200);
            let value = seed.bytes(len);
            push_with_len(bytes, &value);
        }
        Kind::Text => {
            let chars = ['a', 'Z', '0', ' ', '\0', '\u{e9}', '\u{20ac}', '\u{1f3db}'];
            let text: String = (0..seed.below(70)).map(|_| *seed.pick(&chars)).collect();
            push_with_len(bytes, text.as_bytes());
        }
        Kind::Message(shape) => {
            let message = allowed(seed, shape);
            push_with_len(bytes, &message);
        }
        Kind::Packed(width) => {
            let mut list = Vec::new();
            for _ in 0..seed.below(5) {
                let value = number(seed, width);
                push_varint(&mut list, value);
            }
            push_with_len(bytes, &list);
        }
    }
}

/// Small or large numbers that fit.
fn number(seed: &mut Seed, width: Width) -> u64 {
    let (random, shift) = (seed.next_u64(), seed.below(64));
    match width {
        Width::Bits64 => random >> shift,
        Width::Unsigned32 => u64::from(random as u32 >> (shift / 2)),
        Width::Signed32 => i64::from(random as i32 >> (shift / 2)) as u64,
    }
}

fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn push_with_len(bytes: &mut Vec<u8>, value: &[u8]) {
    push_varint(bytes, value.len() as u64);
    bytes.extend_from_slice(value);
}

#[test]
fn every_generated_message_is_tested_here() {
    let tested: BTreeSet<&str> = types().iter().map(|entry| entry.shape.name).collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/pb");
    let mut declared = BTreeSet::new();
    let files: Vec<String> = std::fs::read_dir(folder)
        .expect("src/pb")
        .map(|entry| std::fs::read_to_string(entry.expect("a file").path()).expect("text"))
        .collect();
    for file in &files {
        let calls = file.split("Shape::new(").skip(1);
        declared.extend(calls.map(|call| call.split('"').nth(1).expect("a shape's name")));
    }
    assert_eq!(tested, declared);
}

#[test]
fn a_valid_message_round_trips() {
    let types = types();
    each_seed(|seed| {
        let entry = seed.pick(&types);
        let bytes = allowed(seed, entry.shape);
        (entry.round_trip)(&bytes).expect("a message that its shape allows");
    });
}

#[test]
fn a_damaged_message_is_refused_or_round_trips() {
    let types = types();
    let (mut refused, mut passed) = (0, 0);
    each_seed(|seed| {
        let entry = seed.pick(&types);
        let mut bytes = allowed(seed, entry.shape);
        seed.mutate(&mut bytes);
        match (entry.round_trip)(&bytes) {
            Ok(()) => passed += 1,
            Err(Error::Decoder) => panic!("{} passed and did not decode", entry.shape.name),
            Err(_) => refused += 1,
        }
    });
    println!("{refused} refused, {passed} passed");
}

#[test]
fn bytes_of_one_message_are_safe_to_read_as_another() {
    let types = types();
    each_seed(|seed| {
        let (from, to) = (seed.pick(&types), seed.pick(&types));
        let bytes = allowed(seed, from.shape);
        assert_ne!((to.round_trip)(&bytes), Err(Error::Decoder), "{}", to.shape.name);
    });
}
