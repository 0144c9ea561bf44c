//! The encoding of hellos.

use std::borrow::Cow;

use super::{MAX_GROUP_BYTES, MAX_MEMBERS, OLDEST_VERSION, VERSION, WireError, invalid, number};
use crate::pb::agora_raft_v1 as pb;
use crate::protobuf;
use crate::raft::NodeId;
use crate::replica::membership::{Instance, Introduction, Loss, Standing, Trust};

/// The first message of a call: who calls, and which node is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The newest version that the sender supports.
    pub version: u32,
    /// The oldest version that the sender supports.
    pub oldest_version: u32,
    /// The group of the sender.
    pub group: String,
    /// The id of the sender.
    pub node: NodeId,
    /// The id of the expected receiver.
    pub peer: NodeId,
    /// The nodes of the sender's group and their addresses, in the order of their ids.
    pub members: Vec<(NodeId, String)>,
    /// The directory of the sender, and its records.
    pub introduction: Introduction,
}

impl Hello {
    /// A hello of this version, without members.
    pub fn new(group: &str, node: NodeId, peer: NodeId, introduction: Introduction) -> Hello {
        Hello {
            version: VERSION,
            oldest_version: OLDEST_VERSION,
            group: group.to_owned(),
            node,
            peer,
            members: Vec::new(),
            introduction,
        }
    }

    /// Whether both sides support a common version.
    pub fn is_understood(&self) -> bool {
        self.oldest_version <= VERSION && self.version >= OLDEST_VERSION
    }
}

/// The encoding of a hello.
pub fn encode_hello(hello: &Hello) -> Vec<u8> {
    let member = |(id, address): &(NodeId, String)| pb::Member {
        node_id: *id,
        address: Cow::Owned(address.clone()),
    };
    let hello = pb::Hello {
        version: hello.version,
        oldest_version: hello.oldest_version,
        features: 0,
        group_id: Cow::Borrowed(&hello.group),
        node_id: hello.node,
        peer_id: hello.peer,
        introduction: Some(introduction_to_wire(&hello.introduction)),
        members: hello.members.iter().map(member).collect(),
    };
    protobuf::encode(&pb::ExchangeRequest { hello: Some(hello), message: None })
}

fn introduction_to_wire(introduction: &Introduction) -> pb::Introduction {
    let standing = match introduction.standing {
        Standing::New => pb::Standing::STANDING_NEW,
        Standing::Joining => pb::Standing::STANDING_JOINING,
        Standing::Voter => pb::Standing::STANDING_VOTER,
        Standing::Refused(Loss::Replaced) => pb::Standing::STANDING_REPLACED,
        Standing::Refused(Loss::Older) => pb::Standing::STANDING_OLDER,
    };
    let remembered = |&(node_id, instance, trust): &(NodeId, Instance, Trust)| {
        let standing = match trust {
            Trust::Seen => pb::Standing::STANDING_JOINING,
            Trust::Voter => pb::Standing::STANDING_VOTER,
            Trust::Refused => pb::Standing::STANDING_OLDER,
        };
        pb::Remembered { node_id, instance, standing }
    };
    let (answered_incarnation, answered_number) = introduction.answers.unwrap_or_default();
    pb::Introduction {
        instance: introduction.instance,
        starts: introduction.starts,
        incarnation: introduction.incarnation,
        term: introduction.term,
        last_index: introduction.last_index,
        standing,
        remembered: introduction.remembered.iter().map(remembered).collect(),
        number: introduction.number,
        wants_answer: introduction.wants_answer,
        answered_incarnation,
        answered_number,
    }
}

/// Decodes a hello. Of an unsupported older version only the version is reliable.
pub(super) fn read(bytes: &[u8]) -> Result<Box<Hello>, WireError> {
    let hello: pb::Hello<'_> = protobuf::decode(bytes)?;
    if hello.version == 0 || hello.oldest_version == 0 || hello.oldest_version > hello.version {
        return Err(invalid("a hello without a version"));
    }
    if hello.group_id.len() > MAX_GROUP_BYTES {
        return Err(invalid("the name of a group is too long"));
    }
    if hello.members.len() > MAX_MEMBERS {
        return Err(invalid("a group with too many nodes"));
    }
    if hello.members.iter().any(|member| member.address.len() > MAX_GROUP_BYTES) {
        return Err(invalid("the address of a node is too long"));
    }
    let introduction = match hello.introduction {
        Some(introduction) => read_introduction(&introduction)?,
        None if hello.version < OLDEST_VERSION => Introduction::default(),
        None => return Err(invalid("a hello without an introduction")),
    };
    let member = |member: pb::Member<'_>| (member.node_id, member.address.into_owned());
    Ok(Box::new(Hello {
        version: hello.version,
        oldest_version: hello.oldest_version,
        group: hello.group_id.into_owned(),
        node: hello.node_id,
        peer: hello.peer_id,
        members: hello.members.into_iter().map(member).collect(),
        introduction,
    }))
}

fn read_introduction(introduction: &pb::Introduction) -> Result<Introduction, WireError> {
    if introduction.instance == 0 || introduction.incarnation == 0 {
        return Err(invalid("a node without an instance or an incarnation"));
    }
    if introduction.remembered.len() > MAX_MEMBERS {
        return Err(invalid("a node with too many records"));
    }
    let remembered = |known: &pb::Remembered| {
        let trust = match known.standing {
            pb::Standing::STANDING_JOINING => Trust::Seen,
            pb::Standing::STANDING_VOTER => Trust::Voter,
            pb::Standing::STANDING_OLDER => Trust::Refused,
            _ => return Err(invalid("a record with an invalid standing")),
        };
        Ok((known.node_id, known.instance, trust))
    };
    Ok(Introduction {
        instance: introduction.instance,
        starts: number(introduction.starts)?,
        incarnation: introduction.incarnation,
        term: number(introduction.term)?,
        last_index: number(introduction.last_index)?,
        standing: match introduction.standing {
            pb::Standing::STANDING_NEW => Standing::New,
            pb::Standing::STANDING_JOINING => Standing::Joining,
            pb::Standing::STANDING_VOTER => Standing::Voter,
            pb::Standing::STANDING_REPLACED => Standing::Refused(Loss::Replaced),
            pb::Standing::STANDING_OLDER => Standing::Refused(Loss::Older),
            pb::Standing::STANDING_UNSPECIFIED => {
                return Err(invalid("a node without a standing"));
            }
        },
        remembered: introduction.remembered.iter().map(remembered).collect::<Result<_, _>>()?,
        number: introduction.number,
        wants_answer: introduction.wants_answer,
        answers: (introduction.answered_incarnation != 0)
            .then_some((introduction.answered_incarnation, introduction.answered_number)),
    })
}
