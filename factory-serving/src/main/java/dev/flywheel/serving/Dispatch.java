package dev.flywheel.serving;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.DeadlineException;
import dev.flywheel.core.OverloadedException;
import dev.flywheel.core.model.Prediction;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Brings requests to the versions that answer them. A version that closes while a request is on its way refuses it, and
 * the request goes to whichever version serves then. Thread-safe.
 */
final class Dispatch<I, O> {

    private final Models<I, O> models;
    private final Roster<I, O> roster;
    private final @Nullable Function<? super I, @Nullable String> key;

    Dispatch(Models<I, O> models, Roster<I, O> roster, @Nullable Function<? super I, @Nullable String> key) {
        this.models = models;
        this.roster = roster;
        this.key = key;
    }

    Prediction<O> run(Request<I, O> request) {
        while (true) {
            Traffic<I, O> traffic = roster.traffic();
            Loaded<I, O> version = version(traffic, request);
            try {
                return version.run(request);
            } catch (ClosedException e) {
                rethrowUnlessChanged(traffic, version, e);
            }
        }
    }

    void submit(Request<I, O> request) {
        while (true) {
            Traffic<I, O> traffic = roster.traffic();
            Loaded<I, O> version = version(traffic, request);
            try {
                version.submit(request, this::submitAgain);
                return;
            } catch (ClosedException e) {
                rethrowUnlessChanged(traffic, version, e);
            }
        }
    }

    private void submitAgain(Request<I, O> request) {
        try {
            submit(request);
        } catch (RuntimeException | Error e) {
            request.completeExceptionally(e);
        }
    }

    /** {@return the predictions, in order; a change of versions may come between two parts of the list} */
    List<Prediction<O>> runAll(List<? extends I> inputs, CallOptions options) {
        long started = System.nanoTime();
        List<Prediction<O>> answers = new ArrayList<>(inputs.size());
        int part = models.part();
        for (int from = 0; from < inputs.size(); from += part) {
            CallOptions rest = from == 0 ? options : rest(options, System.nanoTime() - started, from, inputs.size());
            runPart(inputs.subList(from, Math.min(inputs.size(), from + part)), from, rest, answers);
        }
        return answers;
    }

    private CallOptions rest(CallOptions options, long gone, int answered, int all) {
        Duration deadline = options.deadline();
        if (deadline == null) {
            return options;
        }
        Duration rest = deadline.minusNanos(gone);
        if (rest.isNegative() || rest.isZero()) {
            throw new DeadlineException(
                    models.name() + " gave up a predictAll",
                    "it had answered " + answered + " of " + all + " inputs when its " + deadline.toMillis()
                            + " ms were over",
                    "allow more time, or send less at once");
        }
        return options.withDeadline(rest);
    }

    private void runPart(List<? extends I> inputs, int first, CallOptions options, List<Prediction<O>> answers) {
        Traffic<I, O> traffic = roster.traffic();
        int done = traffic.routed() || models.caches() ? 0 : runHere(traffic.champion(), inputs, first, answers);
        List<? extends I> rest = inputs.subList(done, inputs.size());
        queueAll(requests(rest, first + done, options), first + done, answers);
    }

    /** {@return how many inputs were answered on this thread, run by run as long as a lane was free} */
    private int runHere(Loaded<I, O> version, List<? extends I> inputs, int first, List<Prediction<O>> answers) {
        int done = 0;
        while (done < inputs.size()) {
            int at = done;
            List<? extends I> some = inputs.subList(at, Math.min(inputs.size(), at + version.maxRows()));
            if (!version.batcher().runHere(some.size(), lane -> lane.answerAll(some, first + at, answers))) {
                break;
            }
            done += some.size();
        }
        return done;
    }

    private List<Request<I, O>> requests(List<? extends I> inputs, int first, CallOptions options) {
        List<Request<I, O>> requests = new ArrayList<>(inputs.size());
        for (int i = 0; i < inputs.size(); i++) {
            try {
                requests.add(models.request(inputs.get(i), options));
            } catch (RuntimeException e) {
                throw ModelLane.rejected(first + i, e);
            }
        }
        return requests;
    }

    private void queueAll(List<Request<I, O>> requests, int first, List<Prediction<O>> answers) {
        if (models.caches()) {
            requests.forEach(this::submit);
        } else {
            List<Request<I, O>> open = requests;
            while (!open.isEmpty()) {
                open = queueOnce(open);
            }
        }
        for (int i = 0; i < requests.size(); i++) {
            try {
                answers.add(requests.get(i).await());
            } catch (DeadlineException | OverloadedException | ClosedException | CancellationException e) {
                // It says nothing of the input.
                throw e;
            } catch (RuntimeException e) {
                throw ModelLane.rejected(first + i, e);
            }
        }
    }

    /** {@return the requests whose version closed before it took them} */
    private List<Request<I, O>> queueOnce(List<Request<I, O>> requests) {
        Traffic<I, O> traffic = roster.traffic();
        List<Request<I, O>> refused = new ArrayList<>();
        byVersion(traffic, requests).forEach((version, group) -> {
            try {
                version.runAll(group);
            } catch (ClosedException e) {
                rethrowUnlessChanged(traffic, version, e);
                refused.addAll(group);
            }
        });
        return refused;
    }

    private Map<Loaded<I, O>, List<Request<I, O>>> byVersion(Traffic<I, O> traffic, List<Request<I, O>> requests) {
        Map<Loaded<I, O>, List<Request<I, O>>> groups = new LinkedHashMap<>();
        for (Request<I, O> request : requests) {
            groups.computeIfAbsent(version(traffic, request), v -> new ArrayList<>())
                    .add(request);
        }
        return groups;
    }

    private Loaded<I, O> version(Traffic<I, O> traffic, Request<I, O> request) {
        if (!traffic.routed()) {
            return traffic.champion();
        }
        String own = request.key;
        return traffic.choose(own != null || key == null ? own : key.apply(request.input));
    }

    /** Returns where the version that refused a request is closed and does not serve any more. */
    private void rethrowUnlessChanged(Traffic<I, O> then, Loaded<I, O> refused, ClosedException e) {
        if (then == roster.traffic() || !refused.batcher().isClosed()) {
            throw e;
        }
    }
}
