package dev.flywheel.pipeline.source;

import dev.flywheel.core.DataException;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.RecordType;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.log.RowDecoder;
import dev.flywheel.core.log.RowEncoder;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Bytes in a file of the IDX format in which MNIST is given (LeCun, Cortes and Burges 1998), plain or gzip: images, or
 * a label for each. Immutable.
 */
public final class Idx {

    private static final int UNSIGNED_BYTES = 0x08;
    private static final int GZIP = 0x1F8B;
    private static final int MOST_BYTES = Integer.MAX_VALUE - 8;

    private final int count;
    private final byte[] values;

    private Idx(int count, byte[] values) {
        this.count = count;
        this.values = values;
    }

    /**
     * {@return the examples of two files}: the pixels of an image, from 0 to 1, are the one component of a record, and
     * a label from 0 on is what {@link Target#decode} makes of it: the class at that place.
     *
     * @param record with one component, a vector as long as an image has pixels
     * @throws IllegalArgumentException if the record has other components
     */
    public static <I, L> Source<I, L> images(Path images, Path labels, Class<I> record, Target<L> target) {
        RecordType<I> type = RecordType.of(record);
        Schema schema = type.schema();
        if (schema.size() != 1 || schema.column(0).type() != ColumnType.VECTOR) {
            throw new IllegalArgumentException("record " + record.getName()
                    + " cannot be an image: it needs one component, as in (@Length(784) float[] pixels), and has "
                    + schema);
        }
        // a Path cannot be serialized
        String pixelFile = images.toString();
        String labelFile = labels.toString();
        return Rows.of("IDX " + pixelFile + ", labels " + labelFile, record, target, () -> {
            Idx pixels = read(Path.of(pixelFile));
            Idx answers = read(Path.of(labelFile));
            if (pixels.count != answers.count || answers.width() != 1) {
                throw new DataException(
                        pixelFile + " and " + labelFile + " do not belong together",
                        "they hold " + pixels.count + " images and " + answers.count + " labels of " + answers.width()
                                + " bytes",
                        "give the labels of these images");
            }
            RowEncoder to = new RowEncoder(schema);
            RowDecoder from = new RowDecoder(schema);
            return IntStream.range(0, pixels.count).mapToObj(i -> {
                to.clear();
                to.vector(0, pixels.floats(i));
                return Rows.Example.of(type.read(from.read(to.row())), label(target, answers.value(i)));
            });
        });
    }

    /** A class that the target does not have is no label. */
    private static <L> @Nullable L label(Target<L> target, int value) {
        try {
            return target.decode(value);
        } catch (IndexOutOfBoundsException e) {
            return null;
        }
    }

    /**
     * {@return the content of a file}
     *
     * @throws DataException if it cannot be read, or is not an IDX file of unsigned bytes
     */
    public static Idx read(Path file) {
        try (InputStream raw = new BufferedInputStream(Files.newInputStream(file))) {
            raw.mark(2);
            boolean packed = (raw.read() << 8 | raw.read()) == GZIP;
            raw.reset();
            return read(file, new DataInputStream(packed ? new GZIPInputStream(raw, 1 << 16) : raw));
        } catch (NoSuchFileException e) {
            throw unusable(file, "there is no such file (looked for " + file.toAbsolutePath() + ")", e);
        } catch (EOFException e) {
            throw unusable(file, "it ends too early", e);
        } catch (IOException e) {
            throw unusable(file, String.valueOf(e), e);
        }
    }

    private static Idx read(Path file, DataInputStream in) throws IOException {
        int magic = in.readInt();
        int dimensions = magic & 0xFF;
        if (magic >> 8 != UNSIGNED_BYTES || dimensions < 1) {
            throw unusable(file, String.format("it begins with %08x, expected 000008 and the dimensions", magic), null);
        }
        int count = in.readInt();
        long size = count;
        for (int i = 1; i < dimensions; i++) {
            int next = in.readInt();
            size = next < 1 || size > MOST_BYTES ? -1 : size * next;
        }
        if (count < 1 || size < count || size > MOST_BYTES) {
            throw unusable(file, "it announces a size that no file has", null);
        }
        byte[] values = in.readNBytes((int) size);
        if (values.length < size || in.read() >= 0) {
            String found = values.length < size ? "only " + values.length : "more";
            throw unusable(file, "it announces " + size + " bytes and has " + found, null);
        }
        return new Idx(count, values);
    }

    private static DataException unusable(Path file, String why, @Nullable Exception cause) {
        return new DataException(
                file + " cannot be used", why, "give an IDX file of unsigned bytes, plain or gzip", cause);
    }

    /** {@return the number of images or labels} */
    public int count() {
        return count;
    }

    /** {@return the number of bytes of each: 1 for labels} */
    public int width() {
        return values.length / count;
    }

    /**
     * {@return the bytes of an image, row by row, divided by 255}
     *
     * @throws IndexOutOfBoundsException if there is no such image
     */
    public float[] floats(int index) {
        float[] floats = new float[width()];
        int from = Objects.checkIndex(index, count) * floats.length;
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (values[from + i] & 0xFF) / 255f;
        }
        return floats;
    }

    /**
     * {@return the first byte of an item, 0 to 255: a label}
     *
     * @throws IndexOutOfBoundsException if there is no such item
     */
    public int value(int index) {
        return values[Objects.checkIndex(index, count) * width()] & 0xFF;
    }
}
