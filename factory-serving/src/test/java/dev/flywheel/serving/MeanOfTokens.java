package dev.flywheel.serving;

import static dev.flywheel.serving.OnnxGraph.INT64;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.serving.engine.Lane;
import java.nio.file.Path;
import java.util.List;

/** The mean over the tokens of an input: the padding of a batch is masked, as codecs of transformers do it. */
final class MeanOfTokens implements Codec<long[], Double> {

    /** {@return a model that gives twice each token, less one, and 0 for padding} */
    static Path model(Path directory) {
        return new OnnxGraph()
                .input("ids", INT64, List.of("batch", "length"))
                .input("mask", INT64, List.of("batch", "length"))
                .node("Add", List.of("ids", "ids"), "twice")
                .node("Mul", List.of("twice", "mask"), "masked")
                .node("Sub", List.of("masked", "mask"), "y")
                .output("y", INT64, List.of("batch", "length"))
                .write(directory.resolve("tokens.onnx"));
    }

    /** {@return 1 to length; the answer to that is the length} */
    static long[] tokens(int length) {
        long[] tokens = new long[length];
        for (int i = 0; i < length; i++) {
            tokens[i] = i + 1L;
        }
        return tokens;
    }

    @Override
    public int length(long[] input) {
        return input.length;
    }

    @Override
    public Binding<long[], Double> bind(Lane lane) {
        return new Binding<>() {
            @Override
            public void write(long[] input, int row) {
                int width = lane.input(0).width();
                for (int i = 0; i < width; i++) {
                    lane.input(0).longs().put(row * width + i, i < input.length ? input[i] : -77);
                    lane.input(1).longs().put(row * width + i, i < input.length ? 1 : 0);
                }
            }

            @Override
            public Double read(int row) {
                int width = lane.output(0).width();
                assertThat(lane.input(1).width()).isEqualTo(width);
                double sum = 0;
                double count = 0;
                for (int i = row * width; i < (row + 1) * width; i++) {
                    sum += lane.input(1).longs().get(i) * lane.output(0).longs().get(i);
                    count += lane.input(1).longs().get(i);
                }
                return sum / count;
            }
        };
    }
}
