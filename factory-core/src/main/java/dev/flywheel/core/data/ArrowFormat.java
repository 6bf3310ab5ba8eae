package dev.flywheel.core.data;

import com.google.flatbuffers.FlatBufferBuilder;
import com.google.flatbuffers.Table;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.flatbuf.Block;
import org.apache.arrow.flatbuf.Bool;
import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.Endianness;
import org.apache.arrow.flatbuf.Field;
import org.apache.arrow.flatbuf.FieldNode;
import org.apache.arrow.flatbuf.FixedSizeList;
import org.apache.arrow.flatbuf.FloatingPoint;
import org.apache.arrow.flatbuf.Footer;
import org.apache.arrow.flatbuf.Int;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.MetadataVersion;
import org.apache.arrow.flatbuf.Precision;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.flatbuf.TimeUnit;
import org.apache.arrow.flatbuf.Timestamp;
import org.apache.arrow.flatbuf.Type;
import org.apache.arrow.flatbuf.Utf8;
import org.jspecify.annotations.Nullable;

/**
 * The metadata of Arrow IPC files (Arrow columnar format 1.5, "IPC File Format"), for the column types of this package.
 * The bytes of a message depend on its content alone, so that equal datasets are equal files.
 *
 * <p>Bodies are read and written through plain byte buffers and not through Arrow's vectors: those work on
 * {@code sun.misc.Unsafe}, which newer JDKs warn about and will remove, while mapped buffers need no JVM flag and free
 * themselves.
 */
final class ArrowFormat {

    /** First and last bytes of a file. */
    static final byte[] MAGIC = "ARROW1".getBytes(StandardCharsets.US_ASCII);

    /** Where the first message begins: the magic, padded to eight bytes. */
    static final int FIRST_MESSAGE = 8;

    /** The marker before each message's length. */
    static final int CONTINUATION = -1;

    /** Bytes before a message: the marker and the length. */
    static final int PREFIX = 8;

    /** Bodies and buffers start at multiples of this, as Arrow recommends for SIMD and as cache lines do. */
    static final int ALIGNMENT = 64;

    private static final String UTC = "UTC";

    private ArrowFormat() {}

    /** Where one message and its body stand in the file; {@code metadata} counts the prefix. */
    record Place(long offset, int metadata, long body) {}

    /** What a footer tells. */
    record Contents(Schema schema, List<Place> batches) {}

    /** {@return a length rounded up to the alignment} */
    static long aligned(long length) {
        return (length + ALIGNMENT - 1) & -ALIGNMENT;
    }

    /** {@return the message that opens a file} */
    static ByteBuffer schemaMessage(Schema schema) {
        FlatBufferBuilder builder = new FlatBufferBuilder(1024);
        return message(builder, MessageHeader.Schema, schema(builder, schema), 0);
    }

    /**
     * {@return the message before a batch's body}
     *
     * @param nulls the missing values of each column
     * @param buffers offset and length of each buffer in the body, in pairs
     */
    static ByteBuffer batchMessage(Schema schema, int rows, int[] nulls, long[] buffers, long bodyLength) {
        FlatBufferBuilder builder = new FlatBufferBuilder(256 + 16 * (nulls.length + buffers.length));
        RecordBatch.startNodesVector(builder, nulls.length + (int) vectors(schema));
        for (int i = nulls.length - 1; i >= 0; i--) {
            Column column = schema.column(i);
            if (column.type() == ColumnType.VECTOR) {
                FieldNode.createFieldNode(builder, (long) rows * column.length(), 0);
            }
            FieldNode.createFieldNode(builder, rows, nulls[i]);
        }
        int nodes = builder.endVector();
        RecordBatch.startBuffersVector(builder, buffers.length / 2);
        for (int i = buffers.length - 2; i >= 0; i -= 2) {
            Buffer.createBuffer(builder, buffers[i], buffers[i + 1]);
        }
        int places = builder.endVector();
        RecordBatch.startRecordBatch(builder);
        RecordBatch.addLength(builder, rows);
        RecordBatch.addNodes(builder, nodes);
        RecordBatch.addBuffers(builder, places);
        return message(builder, MessageHeader.RecordBatch, RecordBatch.endRecordBatch(builder), bodyLength);
    }

    /** {@return the footer, without its length and the closing magic} */
    static ByteBuffer footer(Schema schema, List<Place> batches) {
        FlatBufferBuilder builder = new FlatBufferBuilder(1024 + 24 * batches.size());
        int fields = schema(builder, schema);
        Footer.startDictionariesVector(builder, 0);
        int dictionaries = builder.endVector();
        Footer.startRecordBatchesVector(builder, batches.size());
        for (int i = batches.size() - 1; i >= 0; i--) {
            Place place = batches.get(i);
            Block.createBlock(builder, place.offset(), place.metadata(), place.body());
        }
        int blocks = builder.endVector();
        builder.finish(Footer.createFooter(builder, MetadataVersion.V5, fields, dictionaries, blocks, 0));
        return builder.dataBuffer();
    }

    private static ByteBuffer message(FlatBufferBuilder builder, byte type, int header, long bodyLength) {
        builder.finish(Message.createMessage(builder, MetadataVersion.V5, type, header, bodyLength, 0));
        return builder.dataBuffer();
    }

    private static int schema(FlatBufferBuilder builder, Schema schema) {
        int[] fields =
                schema.columns().stream().mapToInt(c -> field(builder, c)).toArray();
        int vector = org.apache.arrow.flatbuf.Schema.createFieldsVector(builder, fields);
        return org.apache.arrow.flatbuf.Schema.createSchema(builder, Endianness.Little, vector, 0, 0);
    }

    private static long vectors(Schema schema) {
        return schema.columns().stream()
                .filter(c -> c.type() == ColumnType.VECTOR)
                .count();
    }

    private static int field(FlatBufferBuilder builder, Column column) {
        int name = builder.createString(column.name());
        int[] within = column.type() == ColumnType.VECTOR ? new int[] {item(builder)} : new int[0];
        int children = Field.createChildrenVector(builder, within);
        byte kind;
        int type;
        switch (column.type()) {
            case NUMBER -> {
                kind = Type.FloatingPoint;
                type = FloatingPoint.createFloatingPoint(builder, Precision.DOUBLE);
            }
            case INTEGER -> {
                kind = Type.Int;
                type = Int.createInt(builder, 64, true);
            }
            case BOOLEAN -> {
                kind = Type.Bool;
                Bool.startBool(builder);
                type = Bool.endBool(builder);
            }
            case TEXT -> {
                kind = Type.Utf8;
                Utf8.startUtf8(builder);
                type = Utf8.endUtf8(builder);
            }
            case TIME -> {
                kind = Type.Timestamp;
                type = Timestamp.createTimestamp(builder, TimeUnit.MICROSECOND, builder.createString(UTC));
            }
            case VECTOR -> {
                kind = Type.FixedSizeList;
                type = FixedSizeList.createFixedSizeList(builder, column.length());
            }
            default -> throw new IllegalStateException("unknown column type " + column.type());
        }
        return Field.createField(builder, name, column.nullable(), kind, type, 0, children, 0);
    }

    /** The field of the numbers in a vector. */
    private static int item(FlatBufferBuilder builder) {
        int name = builder.createString("item");
        int children = Field.createChildrenVector(builder, new int[0]);
        int type = FloatingPoint.createFloatingPoint(builder, Precision.SINGLE);
        return Field.createField(builder, name, true, Type.FloatingPoint, type, 0, children, 0);
    }

    /**
     * {@return what a footer tells}
     *
     * @throws IllegalArgumentException if it is no footer, or of a file that holds other types than ours
     */
    static Contents contents(ByteBuffer bytes) {
        Footer footer = Footer.getRootAsFooter(bytes.order(ByteOrder.LITTLE_ENDIAN));
        if (footer.version() != MetadataVersion.V5 || footer.schema() == null || footer.dictionariesLength() != 0) {
            throw new IllegalArgumentException("its footer is not that of a dataset");
        }
        List<Column> columns = new ArrayList<>();
        for (int i = 0; i < footer.schema().fieldsLength(); i++) {
            columns.add(column(footer.schema().fields(i)));
        }
        List<Place> batches = new ArrayList<>();
        for (int i = 0; i < footer.recordBatchesLength(); i++) {
            Block block = footer.recordBatches(i);
            batches.add(new Place(block.offset(), block.metaDataLength(), block.bodyLength()));
        }
        return new Contents(Schema.of(columns), batches);
    }

    private static Column column(Field field) {
        if (field.dictionary() != null || field.name() == null) {
            throw new IllegalArgumentException("it has a column that is unnamed or encoded with a dictionary");
        }
        ColumnType type = switch (field.typeType()) {
            case Type.FloatingPoint ->
                only(table(field, new FloatingPoint()).precision() == Precision.DOUBLE, ColumnType.NUMBER);
            case Type.Int -> {
                Int integer = table(field, new Int());
                yield only(integer.bitWidth() == 64 && integer.isSigned(), ColumnType.INTEGER);
            }
            case Type.Bool -> ColumnType.BOOLEAN;
            case Type.Utf8 -> ColumnType.TEXT;
            case Type.Timestamp -> {
                Timestamp time = table(field, new Timestamp());
                yield only(time.unit() == TimeUnit.MICROSECOND && UTC.equals(time.timezone()), ColumnType.TIME);
            }
            case Type.FixedSizeList -> only(ofFloats(field), ColumnType.VECTOR);
            default -> null;
        };
        if (type == null) {
            throw new IllegalArgumentException("its column \"" + field.name() + "\" has an Arrow type ("
                    + Type.name(field.typeType()) + ") that datasets do not use");
        }
        int length =
                type == ColumnType.VECTOR ? table(field, new FixedSizeList()).listSize() : 0;
        return new Column(field.name(), type, field.nullable(), length);
    }

    private static boolean ofFloats(Field list) {
        return list.childrenLength() == 1
                && list.children(0).typeType() == Type.FloatingPoint
                && table(list.children(0), new FloatingPoint()).precision() == Precision.SINGLE;
    }

    private static @Nullable ColumnType only(boolean condition, ColumnType type) {
        return condition ? type : null;
    }

    @SuppressWarnings("unchecked")
    private static <T extends Table> T table(Field field, T into) {
        Table found = field.type(into);
        if (found == null) {
            throw new IllegalArgumentException("its column \"" + field.name() + "\" has no type");
        }
        return (T) found;
    }

    /**
     * {@return the columns of a batch}
     *
     * @param message the message, without its prefix
     * @param body the body it describes
     * @throws IllegalArgumentException if the two do not fit the schema or each other
     */
    static ColumnView[] columns(Schema schema, ByteBuffer message, ByteBuffer body) {
        RecordBatch batch = header(message);
        require(batch.nodesLength() == schema.size() + vectors(schema) && batch.compression() == null);
        ColumnView[] views = new ColumnView[schema.size()];
        int buffer = 0;
        int nodes = 0;
        for (int i = 0; i < views.length; i++) {
            Column column = schema.column(i);
            FieldNode node = batch.nodes(nodes++);
            require(node.length() == batch.length() && node.nullCount() >= 0);
            long nullCount = node.nullCount();
            if (column.type() == ColumnType.VECTOR) {
                FieldNode numbers = batch.nodes(nodes++);
                require(numbers.length() == batch.length() * column.length() && numbers.nullCount() == 0);
            }
            int count = buffers(column.type());
            int[] places = new int[6];
            for (int b = 0; b < count; b++) {
                Buffer at = batch.buffers(buffer + b);
                require(at.offset() >= 0 && at.length() >= 0 && at.offset() + at.length() <= body.limit());
                places[2 * b] = (int) at.offset();
                places[2 * b + 1] = (int) at.length();
            }
            buffer += count;
            views[i] = new ColumnView(column, (int) batch.length(), nullCount > 0, body, places);
        }
        require(buffer == batch.buffersLength());
        return views;
    }

    /** {@return how many buffers Arrow keeps for a type: whether values are there, the values, or where they end} */
    static int buffers(ColumnType type) {
        return type == ColumnType.TEXT || type == ColumnType.VECTOR ? 3 : 2;
    }

    /** {@return the rows that a batch message announces} */
    static long rows(ByteBuffer message) {
        return header(message).length();
    }

    private static RecordBatch header(ByteBuffer bytes) {
        Message message = Message.getRootAsMessage(bytes.order(ByteOrder.LITTLE_ENDIAN));
        require(message.version() == MetadataVersion.V5 && message.headerType() == MessageHeader.RecordBatch);
        RecordBatch batch = new RecordBatch();
        require(message.header(batch) != null && batch.length() > 0 && batch.length() <= Integer.MAX_VALUE);
        return batch;
    }

    static void require(boolean condition) {
        if (!condition) {
            throw new IllegalArgumentException("its batches do not fit its schema");
        }
    }
}
