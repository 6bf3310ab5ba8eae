package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import dev.flywheel.core.device.Accelerator;
import java.util.ArrayList;
import java.util.List;

/**
 * Minimizes a convex loss over all rows at once, which pass through the network in pieces of bounded size.
 *
 * <p>The search runs in units in which all parameters bend the loss about equally: an id that few rows have bends it
 * little. On flights this takes a third of the passes.
 */
final class FullBatchFit {

    static final int PIECE_ROWS = 32_768;

    /** Some of the rows, and their mean loss. */
    private record Piece(double share, NDArray loss) {}

    private final Training training;
    private final double l2;
    private final int iterations;
    private final float[] mask;
    private final double[] units;
    private double startLoss;

    /** The length of the gradient at the start; below 0 before that. */
    private double steepness = -1;

    private boolean moved;

    FullBatchFit(Training training, double l2, int iterations) {
        this.training = training;
        this.l2 = l2;
        this.iterations = iterations;
        this.mask = training.network().weightMask();
        this.units = units();
    }

    private double[] units() {
        double rows = training.weight();
        double[] counts = training.idWeights();
        double[] units = new double[mask.length];
        int outputs = training.network().outputs();
        for (int i = 0; i < units.length; i++) {
            // ids come first; standardized numbers and the bias have a second moment of about 1
            double bend = i < counts.length * outputs ? counts[i / outputs] / rows : 1;
            units[i] = 1 / Math.sqrt(bend + Math.max(l2, 1e-3) / rows);
        }
        return units;
    }

    private float[] parameters(double[] point) {
        float[] parameters = new float[point.length];
        for (int i = 0; i < parameters.length; i++) {
            parameters[i] = (float) (point[i] * units[i]);
        }
        return parameters;
    }

    /** The parameters where the loss is smallest. */
    float[] run() {
        double[] best = Lbfgs.minimize(new double[mask.length], this::evaluate, iterations, (iteration, value) -> {
            moved = true;
            training.looked(iteration, value, 0);
            training.ended(iteration, iterations, training.examples().rows(), Double.NaN);
        });
        if (!moved) {
            training.requireMoved(startLoss, steepness);
        }
        return parameters(best);
    }

    /** The mean loss plus the penalty, and its gradient. */
    private double evaluate(double[] point, double[] gradient) {
        training.stopIfInterrupted();
        Examples all = training.examples();
        double loss = 0;
        try (NDManager evaluation = training.manager().newSubManager()) {
            PtNDArray parameters = training.parameters(evaluation, parameters(point));
            List<Piece> pieces = new ArrayList<>();
            for (int from = 0; from < all.rows(); from += PIECE_ROWS) {
                Accelerator.Hold turn = training.turn(parameters);
                try (NDManager pass = evaluation.newSubManager()) {
                    Examples rows = all.slice(pass, from, Math.min(all.rows(), from + PIECE_ROWS));
                    double share = rows.rows() / (double) all.rows();
                    NDArray outputs = training.learn(pass, parameters, rows, share, hidden -> hidden);
                    NDArray found = training.lossOf(outputs, rows);
                    found.attach(evaluation);
                    pieces.add(new Piece(share, found));
                } finally {
                    turn.close();
                }
            }
            for (Piece piece : pieces) { // when all is under way
                loss += piece.share * piece.loss.getFloat();
            }
            try (NDArray slope = JniUtils.getGradient(parameters)) {
                float[] values = slope.toFloatArray();
                for (int i = 0; i < values.length; i++) {
                    gradient[i] = values[i];
                }
            }
        }
        double penalty = l2 / training.weight();
        for (int i = 0; i < point.length; i++) {
            double weight = mask[i] * point[i] * units[i];
            loss += penalty / 2 * weight * weight;
            gradient[i] = (gradient[i] + penalty * weight) * units[i];
        }
        if (steepness < 0) { // the search goes nowhere without a number, so only the start can be such a place
            steepness = length(gradient);
            training.requireFinite(1, loss, steepness);
            startLoss = loss;
        }
        return loss;
    }

    private static double length(double[] gradient) {
        double squares = 0;
        for (double slope : gradient) {
            squares += slope * slope;
        }
        return Math.sqrt(squares);
    }
}
