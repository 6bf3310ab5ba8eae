package dev.flywheel.pipeline.feature;

import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** All fitted features over vectors, each of which is an input of its own; an image comes first. Immutable. */
final class VectorBlock {

    /**
     * One fitted feature.
     *
     * @param column the raw column
     * @param length the numbers in each vector
     * @param image the channels, height and width of an image; empty for other vectors
     * @param mean what is subtracted, and what a missing number becomes: one for an image, otherwise one for each place
     * @param scale what is multiplied then, as many
     */
    record Slot(String column, int length, List<Integer> image, List<Float> mean, List<Float> scale) {}

    private final List<Slot> slots;

    VectorBlock(List<Slot> fitted) {
        slots = fitted.stream()
                .sorted(Comparator.comparing(slot -> slot.image().isEmpty()))
                .toList();
    }

    List<Slot> slots() {
        return slots;
    }

    /** The inputs, in order. */
    List<TensorSpec> inputs() {
        return slots.stream()
                .map(slot -> new TensorSpec(
                        slot.column(), ElementType.FLOAT, List.of(-1L, (long) slot.length()), List.of(slot.column())))
                .toList();
    }

    Optional<ImageShape> image() {
        return slots.stream()
                .map(Slot::image)
                .filter(image -> !image.isEmpty())
                .map(image -> new ImageShape(image.get(0), image.get(1), image.get(2), 0))
                .findFirst();
    }

    void emit(Emission out) {
        OnnxGraph graph = out.graph();
        for (Slot slot : slots) {
            String value = graph.input(slot.column(), ElementType.FLOAT, slot.length());
            float[] mean = Emission.floats(slot.mean());
            value = graph.node(
                    OnnxGraph.ML,
                    "Imputer",
                    Map.of("imputed_value_floats", mean, "replaced_value_float", Float.NaN),
                    value);
            List<String> names = IntStream.range(0, slot.length())
                    .mapToObj(i -> slot.column() + "[" + i + "]")
                    .toList();
            if (slot.image().isEmpty()) {
                out.standardized(value, names, mean, Emission.floats(slot.scale()));
            } else {
                out.image(out.standardize(value, slot.mean(), slot.scale(), Emission.PIXEL_LIMIT), names);
            }
        }
    }

    /** One line for each feature, by column: what was learned. */
    Map<String, String> describe() {
        Map<String, String> lines = new LinkedHashMap<>();
        for (Slot slot : slots) {
            lines.put(
                    slot.column(),
                    slot.image().isEmpty()
                            ? slot.length() + " numbers, each standardized by a mean and scale of its own"
                            : "image of " + slot.image().get(0) + " x "
                                    + slot.image().get(1) + " x "
                                    + slot.image().get(2) + ", (x - "
                                    + slot.mean().get(0) + ") * "
                                    + slot.scale().get(0));
        }
        return lines;
    }
}
