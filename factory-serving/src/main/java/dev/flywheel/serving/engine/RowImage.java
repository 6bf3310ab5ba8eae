package dev.flywheel.serving.engine;

import dev.flywheel.core.model.ElementType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * One row of some tensors as bytes: for each tensor its rank and dimensions, then the elements as they lie in memory; a
 * string is its length and its UTF-16 units, which no string loses anything in. The types are not in it: they are the
 * model's, and never change.
 */
final class RowImage {

    private RowImage() {}

    /** @param whole whether to take all of each tensor, for runs that are not of rows */
    static byte[] of(List<TensorBuffer> tensors, int row, boolean whole) {
        int size = 0;
        for (TensorBuffer tensor : tensors) {
            size = Math.addExact(size, size(tensor, row, whole));
        }
        byte[] image = new byte[size];
        ByteBuffer target = ByteBuffer.wrap(image).order(ByteOrder.nativeOrder());
        for (TensorBuffer tensor : tensors) {
            write(tensor, row, whole, target);
        }
        return image;
    }

    /** Lays an image into tensors of the same types, which take its shapes. */
    static void read(byte[] image, List<TensorBuffer> tensors) {
        ByteBuffer source = ByteBuffer.wrap(image).order(ByteOrder.nativeOrder());
        for (TensorBuffer tensor : tensors) {
            long[] shape = new long[source.getInt()];
            for (int i = 0; i < shape.length; i++) {
                shape[i] = source.getLong();
            }
            tensor.lay(shape);
            if (tensor.spec().type() == ElementType.STRING) {
                readTexts(source, tensor);
            } else {
                int bytes = tensor.size() * tensor.elementBytes();
                tensor.bytes().put(0, image, source.position(), bytes);
                source.position(source.position() + bytes);
            }
        }
    }

    private static void readTexts(ByteBuffer source, TensorBuffer tensor) {
        String[] texts = tensor.texts();
        for (int i = 0; i < tensor.size(); i++) {
            char[] units = new char[source.getInt()];
            for (int c = 0; c < units.length; c++) {
                units[c] = source.getChar();
            }
            texts[i] = new String(units);
        }
    }

    private static int size(TensorBuffer tensor, int row, boolean whole) {
        int elements = elements(tensor, whole);
        int size = Integer.BYTES + Long.BYTES * tensor.rank();
        if (tensor.spec().type() != ElementType.STRING) {
            return Math.addExact(size, Math.multiplyExact(elements, tensor.elementBytes()));
        }
        String[] texts = tensor.texts();
        int first = first(tensor, row, whole);
        for (int i = first; i < first + elements; i++) {
            size = Math.addExact(size, Integer.BYTES + Math.multiplyExact(Character.BYTES, texts[i].length()));
        }
        return size;
    }

    private static void write(TensorBuffer tensor, int row, boolean whole, ByteBuffer target) {
        target.putInt(tensor.rank());
        for (int i = 0; i < tensor.rank(); i++) {
            target.putLong(i == 0 && !whole ? 1 : tensor.dimension(i));
        }
        int first = first(tensor, row, whole);
        int elements = elements(tensor, whole);
        if (tensor.spec().type() == ElementType.STRING) {
            String[] texts = tensor.texts();
            for (int i = first; i < first + elements; i++) {
                writeText(texts[i], target);
            }
        } else {
            int width = tensor.elementBytes();
            int bytes = elements * width;
            target.put(target.position(), tensor.bytes(), first * width, bytes);
            target.position(target.position() + bytes);
        }
    }

    private static void writeText(String text, ByteBuffer target) {
        target.putInt(text.length());
        for (int i = 0; i < text.length(); i++) {
            target.putChar(text.charAt(i));
        }
    }

    private static int first(TensorBuffer tensor, int row, boolean whole) {
        return whole || tensor.rank() == 0 ? 0 : row * tensor.width();
    }

    private static int elements(TensorBuffer tensor, boolean whole) {
        return whole || tensor.rank() == 0 ? tensor.size() : tensor.width();
    }
}
