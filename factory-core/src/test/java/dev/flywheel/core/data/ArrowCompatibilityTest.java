package dev.flywheel.core.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.arrow.flatbuf.Footer;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.BitVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.TimeStampMicroTZVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorLoader;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.message.ArrowRecordBatch;
import org.apache.arrow.vector.ipc.message.MessageSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reads our files with Arrow's own classes. */
class ArrowCompatibilityTest {

    static {
        System.setProperty("arrow.allocation.manager.type", "Unsafe");
    }

    @TempDir
    Path directory;

    @Test
    void arrowReadsTheSameRows() throws Exception {
        List<Row> rows = RandomRows.of(20_000, new Random(5));
        Dataset dataset = DatasetTest.write(directory, RandomRows.SCHEMA, rows);

        ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(dataset.file())).order(ByteOrder.LITTLE_ENDIAN);
        int footerLength = file.getInt(file.limit() - 10);
        Footer footer = Footer.getRootAsFooter(
                file.slice(file.limit() - 10 - footerLength, footerLength).order(ByteOrder.LITTLE_ENDIAN));
        var schema = org.apache.arrow.vector.types.pojo.Schema.convertSchema(footer.schema());
        List<Row> found = new ArrayList<>();
        try (BufferAllocator allocator = new RootAllocator();
                VectorSchemaRoot root = VectorSchemaRoot.create(schema, allocator)) {
            for (int b = 0; b < footer.recordBatchesLength(); b++) {
                var block = footer.recordBatches(b);
                int at = Math.toIntExact(block.offset());
                Message message = Message.getRootAsMessage(
                        file.slice(at + 8, block.metaDataLength() - 8).order(ByteOrder.LITTLE_ENDIAN));
                RecordBatch header = (RecordBatch) message.header(new RecordBatch());
                ArrowBuf body = allocator.buffer(block.bodyLength());
                body.setBytes(0, file.array(), at + block.metaDataLength(), block.bodyLength());
                try (ArrowRecordBatch batch = MessageSerializer.deserializeRecordBatch(header, body)) {
                    new VectorLoader(root).load(batch);
                }
                for (int r = 0; r < root.getRowCount(); r++) {
                    found.add(row(root, r));
                }
            }
        }
        assertThat(found).isEqualTo(rows);
    }

    private static Row row(VectorSchemaRoot root, int row) {
        List<Object> values = new ArrayList<>();
        for (FieldVector vector : root.getFieldVectors()) {
            values.add(vector.getName());
            values.add(vector.isNull(row) ? null : value(vector, row));
        }
        return Row.of(values.toArray());
    }

    private static Object value(FieldVector vector, int row) {
        if (vector instanceof Float8Vector numbers) {
            return numbers.get(row);
        } else if (vector instanceof BigIntVector integers) {
            return integers.get(row);
        } else if (vector instanceof BitVector bits) {
            return bits.get(row) == 1;
        } else if (vector instanceof VarCharVector texts) {
            return new String(texts.get(row), StandardCharsets.UTF_8);
        }
        return Instant.EPOCH.plus(((TimeStampMicroTZVector) vector).get(row), ChronoUnit.MICROS);
    }
}
