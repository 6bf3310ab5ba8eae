package dev.flywheel.core.stat.stream;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.stat.stream.Detector.Direction;

/** The settings of a detector that was saved. Immutable. */
record Settings(Detector.Saved saved) {

    private static final String EITHER = "either";

    static double direction(Direction direction) {
        return direction == Direction.EITHER ? 1 : 0;
    }

    double number(String name) {
        Double value = saved.settings().get(name);
        if (value == null) {
            throw damaged("it lacks the setting " + name);
        }
        return value;
    }

    Direction direction() {
        return number(EITHER) == 0 ? Direction.INCREASE : Direction.EITHER;
    }

    double[] values() {
        return saved.values().stream().mapToDouble(Double::doubleValue).toArray();
    }

    StoreException damaged(String why) {
        return new StoreException(
                "restoring the detector \"" + saved.kind() + "\"",
                why,
                "restore the file that it was saved in from a backup, or start with a new detector");
    }
}
