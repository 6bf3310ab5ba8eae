package dev.flywheel.serving.stress;

import ai.onnxruntime.OrtException;
import dev.flywheel.core.ClosedException;
import dev.flywheel.core.DeadlineException;
import dev.flywheel.core.OverloadedException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.CallOptions;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** Judges every ending of every request, and counts them. Thread-safe. */
final class Ledger {

    private static final int MOST_VIOLATIONS = 20;

    /** One prediction in so many has its id compared with all the others. */
    private static final int IDS_SAMPLED = 16;

    final Versions versions = new Versions();
    private final Map<Ending, LongAdder> endings = new EnumMap<>(Ending.class);
    private final Queue<String> violations = new ConcurrentLinkedQueue<>();
    private final Set<UUID> ids = ConcurrentHashMap.newKeySet();
    private final LongAdder begun = new LongAdder();
    private final boolean hanging;
    private volatile boolean closing;
    private volatile boolean cutting;

    /** @param hanging whether runs hang */
    Ledger(boolean hanging) {
        this.hanging = hanging;
        for (Ending ending : Ending.values()) {
            endings.put(ending, new LongAdder());
        }
    }

    /** {@return whether runs hang now and then} */
    boolean hanging() {
        return hanging;
    }

    /** {@return the time of the call, to be given back with its ending} */
    long begin(int requests) {
        begun.add(requests);
        return versions.now();
    }

    /** From now on requests may be refused because the endpoint is closed. */
    void closing() {
        closing = true;
    }

    /** From now on runs may be ended because the endpoint is closed without patience. */
    void cutting() {
        cutting = true;
    }

    void violation(String what) {
        if (violations.size() < MOST_VIOLATIONS) {
            violations.add(what);
        }
    }

    /** Judges an answer. */
    void answered(Ask ask, long from, Prediction<Answer> prediction) {
        long to = versions.now();
        Answer answer = prediction.value();
        if (!ask.isGood() || !answer.fits(ask)) {
            violation(ask + " was answered with " + answer);
        }
        if (answer.version() != prediction.version()) {
            violation(ask + " was answered by " + answer + " in the name of version " + prediction.version());
        }
        if (!versions.live(answer.version(), from, to)) {
            violation(ask + ", called at " + from + ", was answered at " + to + " by " + answer + " whose life was "
                    + versions.describe(answer.version()));
        }
        if (prediction.id().getLeastSignificantBits() % IDS_SAMPLED == 0 && !ids.add(prediction.id())) {
            violation("two predictions have the id " + prediction.id());
        }
        count(Ending.ANSWERED, 1);
    }

    /**
     * Judges a failure.
     *
     * @param given how its owner gave it up, if so
     */
    void failed(Ask ask, long from, CallOptions options, Throwable thrown, @Nullable Ending given) {
        Throwable failure = unwrapped(thrown);
        if (late(from, options, failure)) {
            count(Ending.LATE, 1);
        } else if (ownFault(ask, failure)) {
            count(Ending.OWN_FAULT, 1);
        } else if (given != null && failure instanceof CancellationException) {
            count(given, 1);
        } else {
            refused(1, ask.toString(), failure);
        }
    }

    /** Judges the failure of requests that were made as one. */
    void allFailed(List<Ask> asks, long from, CallOptions options, Throwable thrown, @Nullable Ending given) {
        Throwable failure = unwrapped(thrown);
        Throwable inner = failure instanceof PredictionException ? failure.getCause() : null;
        Throwable cause = inner == null || inner instanceof OrtException ? failure : unwrapped(inner);
        if (late(from, options, cause)) {
            count(Ending.LATE, asks.size());
        } else if (given != null && cause instanceof CancellationException) {
            count(given, asks.size());
        } else if (asks.stream().anyMatch(ask -> ownFault(ask, cause))) {
            count(Ending.OWN_FAULT, asks.size());
        } else {
            refused(asks.size(), asks.size() + " at once", cause);
        }
    }

    /** Judges the refusal of a change of versions. */
    void refusedChange(ClosedException refusal) {
        if (!closing) {
            violation("a change was refused with " + refusal);
        }
    }

    private void refused(int requests, String what, Throwable failure) {
        if (failure instanceof OverloadedException) {
            count(Ending.OVERLOADED, requests);
        } else if (hanging && hung(failure)) {
            count(Ending.HUNG, requests);
        } else if (closing && failure instanceof ClosedException) {
            count(Ending.CLOSED, requests);
        } else if (cutting
                && failure instanceof PredictionException
                && failure.toString().contains("was ended")) {
            count(Ending.CUT, requests);
        } else {
            violation(what + " ended with " + text(failure));
        }
    }

    private static boolean hung(Throwable failure) {
        if (failure instanceof InjectedFault fault) {
            return fault.id == InjectedFault.ANYONE;
        }
        // On a busy machine an honest run may be told to end too.
        return failure instanceof PredictionException
                && (failure.toString().contains("gave up a run")
                        || failure.toString().contains("was ended"));
    }

    private boolean late(long from, CallOptions options, Throwable failure) {
        Duration deadline = options.deadline();
        return failure instanceof DeadlineException && deadline != null && versions.now() - from >= deadline.toNanos();
    }

    private static boolean ownFault(Ask ask, Throwable failure) {
        return switch (ask.kind()) {
            case BAD_RUN -> failure instanceof PredictionException && failure.getCause() instanceof OrtException;
            case BAD_WRITE, BAD_READ -> failure instanceof InjectedFault fault && fault.fits(ask);
            case ERROR_WRITE, ERROR_READ -> failure instanceof InjectedError error && ask.equals(error.ask);
            case PLAIN, NAN -> false;
        };
    }

    private void count(Ending ending, int requests) {
        counter(ending).add(requests);
    }

    private LongAdder counter(Ending ending) {
        LongAdder counter = endings.get(ending);
        if (counter == null) {
            throw new AssertionError(ending);
        }
        return counter;
    }

    long count(Ending ending) {
        return counter(ending).sum();
    }

    long begun() {
        return begun.sum();
    }

    /** {@return how many requests have ended; each is to end once} */
    long ended() {
        return endings.values().stream().mapToLong(LongAdder::sum).sum();
    }

    List<String> violations() {
        return List.copyOf(violations);
    }

    @Override
    public String toString() {
        return endings.toString();
    }

    private static Throwable unwrapped(Throwable thrown) {
        @Nullable Throwable cause = thrown instanceof CompletionException ? thrown.getCause() : null;
        return cause == null ? thrown : cause;
    }

    private static String text(Throwable failure) {
        StackTraceElement[] trace = failure.getStackTrace();
        return failure
                + (trace.length == 0 ? "" : " at " + trace[0])
                + (failure.getCause() == null ? "" : ", caused by " + failure.getCause());
    }
}
