import type { IncomingHttpHeaders } from "node:http2";
import { errorTrailers, GrpcResponse, okTrailers, readMessages } from "@leveros/runtime/grpc";
import type { ServerStream } from "@leveros/runtime/http2";
import protobuf from "protobufjs";
import { describeFile } from "./describe-file.ts";
import { readOptions } from "./health.ts";
import { protoFiles } from "./proto-files.ts";

const NOT_FOUND = 5;
const UNIMPLEMENTED = 12;

interface DescribedFile {
  readonly root: protobuf.Namespace;
  readonly descriptor: Uint8Array;
}

const files: ReadonlyMap<string, DescribedFile> = new Map(
  Object.entries(protoFiles).map(([name, text]) => {
    const parsed = protobuf.parse(text, { keepCase: true });
    const root = parsed.root.resolveAll();
    return [name, { root, descriptor: describeFile(name, parsed.package ?? "", root) }];
  }),
);
const services: readonly string[] = [...files.values()].flatMap(({ root }) => servicesIn(root));

/** The messages of both versions are the same but for the names of their packages. */
const messages = files.get("grpc/reflection/v1/reflection.proto")?.root;
const Request = messages?.lookupType("grpc.reflection.v1.ServerReflectionRequest");
const Response = messages?.lookupType("grpc.reflection.v1.ServerReflectionResponse");

/**
 * Describes the gRPC services of a gateway (grpc/doc/server-reflection.md). They are the same everywhere, so everyone may
 * ask. The methods of services are not among them: the metadata `lever-url` names those.
 */
export function serveReflection(stream: ServerStream, headers: IncomingHttpHeaders): void {
  const response = new GrpcResponse(stream);
  readMessages(stream, readOptions(headers), {
    onRequest(bytes) {
      if (Request === undefined || Response === undefined) return;
      const request = Request.toObject(Request.decode(bytes));
      const answer = { valid_host: request["host"], original_request: request };
      const message = Response.fromObject({ ...answer, ...answerTo(request) });
      if (!response.send(() => Response.encode(message).finish())) stream.pause();
    },
    onRequestEnd: () => response.end(okTrailers),
    onMalformed: (error) => response.end(errorTrailers(error)),
    onWritable: () => stream.resume(),
    onClose() {},
  });
  stream.resume();
}

function answerTo(request: Readonly<Record<string, unknown>>): object {
  const { file_by_filename: file, file_containing_symbol: symbol } = request;
  if (typeof request["list_services"] === "string") {
    return { list_services_response: { service: services.map((name) => ({ name })) } };
  }
  if (typeof file === "string") return descriptorOf(file, files.get(file));
  if (typeof symbol === "string") {
    const found = [...files.values()].find(({ root }) => hasSymbol(root, symbol));
    return descriptorOf(symbol, found);
  }
  // proto3 has no extensions.
  const type = request["all_extension_numbers_of_type"];
  if (typeof type === "string") {
    return { all_extension_numbers_response: { base_type_name: type } };
  }
  if (request["file_containing_extension"] !== undefined) return descriptorOf("", undefined);
  const error_message = "Cannot answer the request: its kind is not known.";
  return { error_response: { error_code: UNIMPLEMENTED, error_message } };
}

function descriptorOf(name: string, file: DescribedFile | undefined): object {
  if (file !== undefined) {
    return { file_descriptor_response: { file_descriptor_proto: [file.descriptor] } };
  }
  const error_message = `There is no ${JSON.stringify(name.slice(0, 200))}.`;
  return { error_response: { error_code: NOT_FOUND, error_message } };
}

function hasSymbol(root: protobuf.Namespace, symbol: string): boolean {
  const found = root.lookup(symbol);
  return found !== null && found.constructor !== protobuf.Namespace;
}

function servicesIn(namespace: protobuf.NamespaceBase): string[] {
  return namespace.nestedArray.flatMap((nested) => {
    if (nested instanceof protobuf.Service) return [nested.fullName.slice(1)];
    return nested instanceof protobuf.Namespace ? servicesIn(nested) : [];
  });
}
