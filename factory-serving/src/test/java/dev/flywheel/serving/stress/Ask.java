package dev.flywheel.serving.stress;

import java.util.SplittableRandom;

/**
 * What a request asks: a number by which its answer is told from all others, and what is to become of it. Immutable.
 *
 * @param id at least 0, below 2^40
 */
record Ask(long id, Kind kind) {

    /** What is to become of a request when nothing from outside ends it. */
    enum Kind {
        /** It is answered. */
        PLAIN(0),
        /** It is answered with NaN. */
        NAN(1),
        /** The codec throws when it writes it. */
        BAD_WRITE(2),
        /** The codec throws an Error when it writes it. */
        ERROR_WRITE(3),
        /** The codec throws when it reads its answer. */
        BAD_READ(4),
        /** The codec throws an Error when it reads its answer. */
        ERROR_READ(5),
        /** The model fails on it. */
        BAD_RUN(6);

        private static final Kind[] KINDS = values();

        /** What stands for it in a model. */
        final float code;

        Kind(float code) {
            this.code = code;
        }

        static Kind of(float code) {
            for (Kind kind : KINDS) {
                if (kind.code == code) {
                    return kind;
                }
            }
            throw new AssertionError("no kind has the code " + code);
        }
    }

    private static final int HALF = 20;
    private static final int HALF_MASK = (1 << HALF) - 1;

    /** One in twenty is a bad one. */
    static Ask random(SplittableRandom random, long id) {
        int die = random.nextInt(Kind.KINDS.length * 20);
        return new Ask(id, die < Kind.KINDS.length ? Kind.KINDS[die] : Kind.PLAIN);
    }

    static long id(float low, float high) {
        return ((long) high << HALF) + (long) low;
    }

    float low() {
        return id & HALF_MASK;
    }

    float high() {
        return id >>> HALF;
    }

    float value() {
        return kind == Kind.NAN ? Float.NaN : low() + 1;
    }

    boolean isGood() {
        return kind == Kind.PLAIN || kind == Kind.NAN;
    }
}
