//! Messages of a type that is known only when the program runs.

use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Sends any message, and reads those of one type.
#[derive(Debug, Clone)]
pub(super) struct DynamicCodec {
    output: MessageDescriptor,
}

impl DynamicCodec {
    pub(super) fn of(output: MessageDescriptor) -> DynamicCodec {
        DynamicCodec { output }
    }
}

impl Codec for DynamicCodec {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = DynamicCodec;
    type Decoder = DynamicCodec;

    fn encoder(&mut self) -> DynamicCodec {
        self.clone()
    }
    fn decoder(&mut self) -> DynamicCodec {
        self.clone()
    }
}

impl Encoder for DynamicCodec {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, message: DynamicMessage, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message.encode(into).map_err(|why| Status::internal(why.to_string()))
    }
}

impl Decoder for DynamicCodec {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let message = DynamicMessage::decode(self.output.clone(), from);
        let failed = |why: prost::DecodeError| {
            let mut status = Status::internal(format!("it is no {}", self.output.full_name()));
            // By its source it is known to be no status of the server's.
            status.set_source(std::sync::Arc::new(why));
            status
        };
        message.map(Some).map_err(failed)
    }
}
