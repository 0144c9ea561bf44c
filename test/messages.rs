//! Every generated message against the structural check: a message that its shape allows decodes,
//! and is equal after encoding and decoding. A damaged one is refused or satisfies the same.

#[path = "support/seed.rs"]
mod seed;

use std::collections::BTreeSet;

use agora::pb::{
    agora_bench_v1, agora_kv_v1, agora_mapreduce_v1, agora_market_v1, agora_native_v1,
    agora_node_v1, agora_raft_v1, grpc_health_v1, grpc_reflection_v1, grpc_testing, no_package,
};
use agora::protobuf::{Checked, Error, Kind, Shape, Width, decode, encode};
use quick_protobuf::MessageWrite;
use seed::{Seed, each_seed};

/// One message type, its name and what is done with its bytes.
struct Type {
    shape: &'static Shape,
    round_trip: fn(&[u8]) -> Result<(), Error>,
    /// Decodes, and tells whether the message was accepted.
    decodes: fn(&[u8]) -> bool,
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
                // Compared as bytes: a NaN does not equal itself.
                assert_eq!(encode(&second), again);
                Ok(())
            },
            decodes: |bytes| decode::<$package::$($name)::+>(bytes).is_ok(),
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
            ReadOutputResponse, DescribeRequest, DescribeResponse, WatchRequest, WatchResponse, Job,
            Attempts, Worker, Phase, PhaseTimes, Task, Event, JobOutput, Clustering, IterationError;
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
            UInt64Value, ModerateAccountRequest, ModerateAccountResponse, ModerateItemRequest,
            ModerateItemResponse, ListRestrictedAccountsRequest, RestrictedAccount,
            ListRestrictedAccountsResponse, ListRemovedItemsRequest, RemovedItem,
            ListRemovedItemsResponse;
        agora_node_v1: DescribeRequest, DescribeResponse, WatchRequest, WatchResponse, NodeView,
            NodeAddress, PeerView, PeerProgress, LastAnswer, Contents, Holding, Sample, Event;
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

/// Messages with so many elements in each list that the shape allows, one message for each list.
fn with_long_lists(shape: &Shape, count: usize) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    for field in shape.fields() {
        let tag = u64::from(field.number) << 3 | 2;
        let mut bytes = Vec::new();
        match field.kind {
            Kind::Packed(_) => {
                push_varint(&mut bytes, tag);
                push_with_len(&mut bytes, &vec![0; 2 * count]);
                messages.push(bytes);
            }
            Kind::Message(_) | Kind::Bytes | Kind::Text if field.repeated => {
                push_varint(&mut bytes, tag);
                bytes.push(0);
                messages.push(bytes.repeat(count));
            }
            Kind::Message(inner) => {
                messages.extend(with_long_lists(inner, count).iter().map(|list| {
                    let mut bytes = Vec::new();
                    push_varint(&mut bytes, tag);
                    push_with_len(&mut bytes, list);
                    bytes
                }))
            }
            _ => {}
        }
    }
    messages
}

/// Prints how many KiB the process takes at most while each list is decoded that is as long as it
/// may be. Not a test: a process of its own, whose memory no other test changes.
#[test]
#[ignore = "the process of another test"]
fn decode_long_lists() {
    let peak = || -> usize {
        let status = std::fs::read_to_string("/proc/self/status").expect("proc");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.split_whitespace().next().expect("a number").parse().expect("a number")
    };
    for entry in types() {
        for list in 0..with_long_lists(entry.shape, 1).len() {
            // 4 MiB of empty elements, then fewer until they are accepted.
            let counts = std::iter::successors(Some(2_000_000), |count| Some(count / 2));
            let messages =
                counts.map(|count| with_long_lists(entry.shape, count).swap_remove(list));
            let mut messages = messages.inspect(|_| {
                // Sets the peak to the memory that is in use now.
                std::fs::write("/proc/self/clear_refs", "5").expect("proc");
            });
            let kib = messages.find_map(|message| {
                let before = peak();
                (entry.decodes)(&message).then(|| peak() - before)
            });
            println!("\nlist {list} of {} takes {}", entry.shape.name, kib.expect("a list"));
        }
    }
}

#[test]
fn no_list_of_empty_elements_takes_more_than_four_times_the_largest_message() {
    let program = std::env::current_exe().expect("this program");
    let arguments = ["--exact", "decode_long_lists", "--ignored", "--nocapture"];
    let output = std::process::Command::new(program).args(arguments).output().expect("a process");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = String::from_utf8(output.stdout).expect("text");
    let mut largest = (0, "");
    let mut lists = 0;
    for line in output.lines().filter_map(|line| line.strip_prefix("list ")) {
        let (list, kib) = line.rsplit_once(" takes ").expect("a size");
        let kib: usize = kib.parse().expect("a number");
        assert!(kib <= 16 * 1024 + 512, "{list}: {kib} KiB");
        largest = largest.max((kib, list));
        lists += 1;
    }
    println!("{lists} lists, at most {largest:?} KiB");
    assert!(lists >= 30, "{lists} lists");
}
