package dev.flywheel.serving;

import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.RowWriter;
import dev.flywheel.core.data.Schema;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.TensorBuffer;
import java.util.List;

/** Runs a model over rows in memory, in a lane of its own. */
final class RowScorer {

    private static final int ROWS = 1024;

    private RowScorer() {}

    /** Rows as they are read. */
    private record Rows(Schema schema) implements RowType<RowReader> {

        @Override
        public void write(RowReader row, RowWriter out) {
            row.copyTo(out);
        }

        @Override
        public RowReader read(RowReader in) {
            return in;
        }
    }

    /** {@return the model's numbers for each row, in their order} */
    static double[] score(Engine engine, List<? extends RowReader> rows) {
        if (rows.isEmpty()) {
            return new double[0];
        }
        try (Lane lane = engine.newLane(Math.min(ROWS, rows.size()))) {
            lane.inBulk();
            int width = Math.max(1, lane.output(0).width());
            Rows type = new Rows(rows.get(0).schema());
            Codec.Binding<RowReader, Double> binding =
                    new RowCodec<RowReader, Double>(type, width, TensorBuffer::number).bind(lane);
            TensorBuffer prediction = RowCodec.prediction(lane, width);
            double[] scores = new double[rows.size() * width];
            for (int from = 0; from < rows.size(); from += lane.maxRows()) {
                int count = Math.min(lane.maxRows(), rows.size() - from);
                for (int row = 0; row < count; row++) {
                    binding.write(rows.get(from + row), row);
                }
                lane.run(count);
                for (int i = 0; i < count * width; i++) {
                    scores[from * width + i] = prediction.number(i);
                }
            }
            return scores;
        }
    }
}
