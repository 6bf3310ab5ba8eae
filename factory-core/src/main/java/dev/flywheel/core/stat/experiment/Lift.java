package dev.flywheel.core.stat.experiment;

/** How the effect of a treatment is expressed. */
public enum Lift {
    /** Treatment - control, in the metric's unit. */
    ABSOLUTE,
    /** (treatment - control) / control, as a share: 0.1 is 10% more. Its variance is that of the delta method. */
    RELATIVE;

    double estimate(Sample control, Sample treatment) {
        double difference = treatment.mean() - control.mean();
        return this == ABSOLUTE ? difference : difference / control.mean();
    }

    double squaredError(Sample control, Sample treatment) {
        if (this == ABSOLUTE) {
            return treatment.squaredError() + control.squaredError();
        }
        double square = control.mean() * control.mean();
        double ratio = treatment.mean() / control.mean();
        return treatment.squaredError() / square + ratio * ratio * control.squaredError() / square;
    }

    /** The degrees of freedom of Welch and Satterthwaite, of the absolute difference in either case. */
    static double degrees(Sample control, Sample treatment) {
        double first = control.squaredError();
        double second = treatment.squaredError();
        double sum = first + second;
        return sum * sum / (first * first / (control.n() - 1) + second * second / (treatment.n() - 1));
    }
}
