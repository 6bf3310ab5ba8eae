package dev.flywheel.pipeline.feature;

import java.io.Serializable;
import java.util.List;
import java.util.stream.Collectors;

/** One entry of a {@link Features} definition: a raw column and what becomes of it. Immutable. */
sealed interface Spec extends Serializable {

    /** The raw column. */
    String column();

    /** As it is written in code, with every choice that was made. */
    String describe();

    /** A number and its steps, in the order in which they were named. */
    record Numeric(String column, List<Transform> steps) implements Spec {
        @Override
        public String describe() {
            return "number(" + column + steps.stream().map(s -> ", " + s).collect(Collectors.joining()) + ")";
        }
    }

    /** A category. */
    record Category(String column, Encoding encoding) implements Spec {
        @Override
        public String describe() {
            return "category(" + column + ", " + encoding + ")";
        }
    }

    /** A text that is read word by word. */
    record Words(String column) implements Spec {
        @Override
        public String describe() {
            return "words(" + column + ")";
        }
    }

    /**
     * A text whose vector an encoder makes, before the graph.
     *
     * @param vector the column that holds the vector; empty until it is known
     */
    record Text(String column, TextEncoder encoder, String vector) implements Spec {
        @Override
        public String describe() {
            return "text(" + column + ", " + encoder + ")";
        }
    }

    /** A vector of numbers that stand side by side, each for itself. */
    record Vector(String column) implements Spec {
        @Override
        public String describe() {
            return "vector(" + column + ")";
        }
    }

    /** A vector that holds the pixels of an image, channel by channel. */
    record Image(String column, int channels, int height, int width) implements Spec {
        @Override
        public String describe() {
            return "image(" + column + ", " + channels + ", " + height + ", " + width + ")";
        }
    }

    /** Parts of a time. */
    record Calendar(String column, List<CalendarPart> parts) implements Spec {
        @Override
        public String describe() {
            return "calendar(" + column + parts.stream().map(p -> ", " + p).collect(Collectors.joining()) + ")";
        }
    }

    /** Sine and cosine of a number that turns in a circle. */
    record Cycle(String column, double period) implements Spec {
        @Override
        public String describe() {
            return "cyclic(" + column + ", " + period + ")";
        }
    }

    /** Sine and cosine of a time within a repeating stretch. */
    record TimeCycle(String column, long periodSeconds) implements Spec {
        @Override
        public String describe() {
            return "cyclic(" + column + ", " + java.time.Duration.ofSeconds(periodSeconds) + ")";
        }
    }
}
