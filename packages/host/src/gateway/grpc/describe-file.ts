import protobuf from "protobufjs";

/*
 * Encodes a parsed file as FileDescriptorProto (google/protobuf/descriptor.proto), as far as Lever's own files need it.
 */

const LABEL_OPTIONAL = 1;
const LABEL_REPEATED = 3;
const TYPE_MESSAGE = 11;
const TYPE_ENUM = 14;
const scalarTypes: Readonly<Record<string, number>> = {
  double: 1,
  int32: 5,
  bool: 8,
  string: 9,
  bytes: 12,
};

/** The tag of a field that holds text, bytes or a message. */
const tag = (field: number): number => field * 8 + 2;
type Write = (writer: protobuf.Writer) => void;

/** `name` is the file's path, and `packageName` the package that it declares. */
export function describeFile(
  name: string,
  packageName: string,
  root: protobuf.Namespace,
): Uint8Array {
  const writer = protobuf.Writer.create();
  writer.uint32(tag(1)).string(name).uint32(tag(2)).string(packageName);
  const inside = root.lookup(packageName);
  const members = inside instanceof protobuf.Namespace ? inside.nestedArray : [];
  for (const member of members) {
    if (member instanceof protobuf.Type) nest(writer, 4, (to) => writeType(to, member));
    else if (member instanceof protobuf.Service) nest(writer, 6, (to) => writeService(to, member));
  }
  return writer.uint32(tag(12)).string("proto3").finish();
}

function nest(writer: protobuf.Writer, field: number, write: Write): void {
  writer.uint32(tag(field)).fork();
  write(writer);
  writer.ldelim();
}

function writeType(writer: protobuf.Writer, type: protobuf.Type): void {
  writer.uint32(tag(1)).string(type.name);
  for (const field of type.fieldsArray) nest(writer, 2, (to) => writeField(to, field, type));
  for (const member of type.nestedArray) {
    if (member instanceof protobuf.Type) nest(writer, 3, (to) => writeType(to, member));
    else if (member instanceof protobuf.Enum) nest(writer, 4, (to) => writeEnum(to, member));
  }
  for (const { name } of type.oneofsArray) nest(writer, 8, (to) => to.uint32(tag(1)).string(name));
}

function writeField(writer: protobuf.Writer, field: protobuf.Field, type: protobuf.Type): void {
  const { resolvedType, partOf } = field;
  writer.uint32(tag(1)).string(field.name);
  writer.uint32(3 * 8).int32(field.id);
  writer.uint32(4 * 8).int32(field.repeated ? LABEL_REPEATED : LABEL_OPTIONAL);
  const ofNamed = resolvedType instanceof protobuf.Enum ? TYPE_ENUM : TYPE_MESSAGE;
  writer.uint32(5 * 8).int32(scalarTypes[field.type] ?? ofNamed);
  if (resolvedType !== null) writer.uint32(tag(6)).string(resolvedType.fullName);
  if (partOf !== null) writer.uint32(9 * 8).int32(type.oneofsArray.indexOf(partOf));
}

function writeEnum(writer: protobuf.Writer, { name, values }: protobuf.Enum): void {
  writer.uint32(tag(1)).string(name);
  for (const [value, number] of Object.entries(values)) {
    nest(writer, 2, (to) =>
      to
        .uint32(tag(1))
        .string(value)
        .uint32(2 * 8)
        .int32(number),
    );
  }
}

function writeService(writer: protobuf.Writer, service: protobuf.Service): void {
  writer.uint32(tag(1)).string(service.name);
  for (const method of service.methodsArray) {
    nest(writer, 2, (to) => {
      to.uint32(tag(1)).string(method.name);
      to.uint32(tag(2)).string(method.resolvedRequestType?.fullName ?? "");
      to.uint32(tag(3)).string(method.resolvedResponseType?.fullName ?? "");
      to.uint32(5 * 8).bool(method.requestStream === true);
      to.uint32(6 * 8).bool(method.responseStream === true);
    });
  }
}
