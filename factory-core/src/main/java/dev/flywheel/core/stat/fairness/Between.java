package dev.flywheel.core.stat.fairness;

import dev.flywheel.core.model.Estimate;

/** The distance between two shares, with an interval made of theirs. */
enum Between {
    /** From 0, which is none, to 1. */
    DIFFERENCE {
        @Override
        Estimate of(Estimate first, Estimate second) {
            Estimate high = first.value() >= second.value() ? first : second;
            Estimate low = first.value() >= second.value() ? second : first;
            double difference = high.value() - low.value();
            double down = Math.hypot(high.value() - high.low(), low.high() - low.value());
            double up = Math.hypot(high.high() - high.value(), low.value() - low.low());
            // the other way round it may be as far as down says
            return new Estimate(
                    difference,
                    Math.max(0, difference - down),
                    Math.max(difference + up, down - difference),
                    "Newcombe");
        }

        @Override
        Estimate farther(Estimate a, Estimate b) {
            return new Estimate(
                    Math.max(a.value(), b.value()),
                    Math.max(a.low(), b.low()),
                    Math.max(a.high(), b.high()),
                    a.method());
        }
    },
    /** From 1, which is none, to 0. */
    RATIO {
        @Override
        Estimate of(Estimate first, Estimate second) {
            Estimate top = first.value() >= second.value() ? second : first;
            Estimate bottom = first.value() >= second.value() ? first : second;
            double product = top.value() * bottom.value();
            double low = end(top.low(), bottom.high(), top.value(), bottom.value());
            double high = product + root(top.high(), bottom.low(), top.value(), bottom.value());
            high /= bottom.low() * (2 * bottom.value() - bottom.low());
            return new Estimate(
                    bottom.value() == 0 ? 1 : top.value() / bottom.value(),
                    Double.isNaN(high) ? 0 : Math.min(low, 1 / high),
                    Double.isNaN(high) ? 1 : Math.min(1, high),
                    "Donner-Zou");
        }

        /** The lower end, in a form that does not divide by 0. */
        private double end(double top, double bottom, double p, double q) {
            double above = top * (2 * p - top);
            return above <= 0 ? 0 : above / (p * q + root(top, bottom, p, q));
        }

        private double root(double top, double bottom, double p, double q) {
            return Math.sqrt(Math.max(0, p * p * q * q - top * bottom * (2 * p - top) * (2 * q - bottom)));
        }

        @Override
        Estimate farther(Estimate a, Estimate b) {
            return new Estimate(
                    Math.min(a.value(), b.value()),
                    Math.min(a.low(), b.low()),
                    Math.min(a.high(), b.high()),
                    a.method());
        }
    };

    abstract Estimate of(Estimate first, Estimate second);

    /** The farther one of both; its interval, too, is that of the farthest. */
    abstract Estimate farther(Estimate a, Estimate b);
}
