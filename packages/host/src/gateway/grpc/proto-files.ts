/** Reflection has the same messages in two versions of its package. */
const reflection = (version: string): string => `
  syntax = "proto3";
  package grpc.reflection.${version};
  service ServerReflection {
    rpc ServerReflectionInfo (stream ServerReflectionRequest) returns (stream ServerReflectionResponse);
  }
  message ServerReflectionRequest {
    string host = 1;
    oneof message_request {
      string file_by_filename = 3;
      string file_containing_symbol = 4;
      ExtensionRequest file_containing_extension = 5;
      string all_extension_numbers_of_type = 6;
      string list_services = 7;
    }
  }
  message ExtensionRequest { string containing_type = 1; int32 extension_number = 2; }
  message ServerReflectionResponse {
    string valid_host = 1;
    ServerReflectionRequest original_request = 2;
    oneof message_response {
      FileDescriptorResponse file_descriptor_response = 4;
      ExtensionNumberResponse all_extension_numbers_response = 5;
      ListServiceResponse list_services_response = 6;
      ErrorResponse error_response = 7;
    }
  }
  message FileDescriptorResponse { repeated bytes file_descriptor_proto = 1; }
  message ExtensionNumberResponse { string base_type_name = 1; repeated int32 extension_number = 2; }
  message ListServiceResponse { repeated ServiceResponse service = 1; }
  message ServiceResponse { string name = 1; }
  message ErrorResponse { int32 error_code = 1; string error_message = 2; }
`;

/** The gRPC services that a gateway has, by the paths of their files. */
export const protoFiles: Readonly<Record<string, string>> = {
  "core.proto": `
    syntax = "proto3";
    package core;
    service LeverRPC {
      rpc HandleRPC (RPC) returns (RPCReply);
      rpc HandleStreamingRPC (stream StreamMessage) returns (stream StreamMessage);
    }
    message RPC { oneof args_oneof { JSONArray args = 1; bytes byte_args = 2; } }
    message RPCReply {
      oneof result_oneof { JSON result = 1; bytes byte_result = 2; JSON error = 3; bytes byte_error = 4; }
    }
    message StreamMessage {
      oneof message_oneof { RPC rpc = 1; JSON message = 2; bytes byte_message = 3; JSON error = 4; bytes byte_error = 5; }
    }
    message JSON {
      oneof json_value_oneof {
        string json_string = 1;
        double json_number = 2;
        bool json_bool = 3;
        JSONObject json_object = 4;
        JSONArray json_array = 5;
      }
    }
    message JSONObject { repeated JSONProperty property = 1; }
    message JSONArray { repeated JSON element = 1; }
    message JSONProperty { string name = 1; JSON value = 2; }
  `,
  "grpc/health/v1/health.proto": `
    syntax = "proto3";
    package grpc.health.v1;
    service Health {
      rpc Check (HealthCheckRequest) returns (HealthCheckResponse);
      rpc Watch (HealthCheckRequest) returns (stream HealthCheckResponse);
    }
    message HealthCheckRequest { string service = 1; }
    message HealthCheckResponse {
      enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
      ServingStatus status = 1;
    }
  `,
  "grpc/reflection/v1/reflection.proto": reflection("v1"),
  "grpc/reflection/v1alpha/reflection.proto": reflection("v1alpha"),
};
