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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings requests to the versions that answer them. A version that closes while a request is on its way refuses it, and
 * the request goes to whichever version serves then. Thread-safe.
 */
final class Dispatch<I, O> {

    private static final Logger log = LoggerFactory.getLogger(Dispatch.class);

    private final Models<I, O> models;
    private final Roster<I, O> roster;
    private final @Nullable Function<? super I, @Nullable String> key;

    Dispatch(Models<I, O> models, Roster<I, O> roster, @Nullable Function<? super I, @Nullable String> key) {
        this.models = models;
        this.roster = roster;
        this.key = key;
    }

    /** {@return the prediction, by a run on this thread if one can begin at once} */
    Prediction<O> run(Ask<I> ask, CallOptions options) {
        Traffic<I, O> traffic = roster.traffic();
        Loaded<I, O> version = version(traffic, options.key(), ask.input);
        Prediction<O> here = version.runHere(ask);
        return here == null ? await(models.request(ask, options), traffic, version) : here;
    }

    private Prediction<O> await(Request<I, O> request, Traffic<I, O> first, Loaded<I, O> chosen) {
        Traffic<I, O> traffic = first;
        Loaded<I, O> version = chosen;
        while (true) {
            try {
                return version.run(request);
            } catch (ClosedException e) {
                rethrowUnlessChanged(traffic, version, e);
            }
            traffic = roster.traffic();
            version = version(traffic, request);
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
        while (answers.size() < inputs.size()) {
            int from = answers.size();
            List<Ask<I>> asks = asks(inputs.subList(from, Math.min(inputs.size(), from + part)), from);
            CallOptions rest = rest(options, System.nanoTime() - started, from, inputs.size());
            runPart(asks, from, rest, answers);
        }
        return answers;
    }

    private List<Ask<I>> asks(List<? extends I> inputs, int first) {
        try {
            List<Ask<I>> together = models.together(inputs);
            if (!together.isEmpty()) {
                return together;
            }
        } catch (RuntimeException e) {
            log.debug("{} prepares inputs one by one, to see which fails", models.name(), e);
        }
        List<Ask<I>> asks = new ArrayList<>(inputs.size());
        for (I input : inputs) {
            try {
                asks.add(models.ask(input));
            } catch (RuntimeException e) {
                throw ModelLane.rejected(first + asks.size(), e);
            }
        }
        return asks;
    }

    private CallOptions rest(CallOptions options, long gone, int answered, int all) {
        Duration deadline = options.deadline();
        if (deadline == null) {
            return options;
        }
        Duration rest = deadline.minusNanos(gone);
        if (rest.isNegative() || rest.isZero()) {
            if (answered == 0) {
                // As with a single request, what can run at once does.
                return options.withDeadline(Duration.ofNanos(1));
            }
            throw new DeadlineException(
                    models.name() + " gave up a predictAll",
                    "it had answered " + answered + " of " + all + " inputs when its " + deadline.toMillis()
                            + " ms were over",
                    "allow more time, or send less at once");
        }
        return options.withDeadline(rest);
    }

    private void runPart(List<Ask<I>> asks, int first, CallOptions options, List<Prediction<O>> answers) {
        Traffic<I, O> traffic = roster.traffic();
        boolean here = !traffic.routed() && !models.caches() && isBestHere(traffic.champion(), asks);
        int done = here ? runHere(traffic.champion(), asks, first, answers) : 0;
        List<Request<I, O>> requests = new ArrayList<>(asks.size() - done);
        for (Ask<I> ask : asks.subList(done, asks.size())) {
            requests.add(models.request(ask, options));
        }
        queueAll(requests, first + done, answers);
    }

    /**
     * {@return whether this thread answers them sooner than all lanes together do, which wait to be woken} Those that
     * differ in length go where they are sorted: padded to the longest they would cost up to twice as much.
     */
    private boolean isBestHere(Loaded<I, O> version, List<Ask<I>> asks) {
        int length = asks.get(0).length;
        for (Ask<I> ask : asks) {
            if (ask.length != length) {
                return false;
            }
        }
        return asks.size() <= version.maxRows() || version.batcher().isHurried();
    }

    /** {@return how many inputs were answered on this thread, run by run as long as a lane was free} */
    private int runHere(Loaded<I, O> version, List<Ask<I>> asks, int first, List<Prediction<O>> answers) {
        int done = 0;
        while (done < asks.size()) {
            int at = done;
            List<Ask<I>> some = asks.subList(at, Math.min(asks.size(), at + version.maxRows()));
            if (!version.batcher().runHere(some.size(), lane -> lane.answerAll(some, first + at, answers))) {
                break;
            }
            done += some.size();
        }
        return done;
    }

    private void queueAll(List<Request<I, O>> requests, int first, List<Prediction<O>> answers) {
        if (models.caches()) {
            submitAll(requests);
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

    /** Brings about that all are completed, and returns when they are; or gives them up. */
    private void submitAll(List<Request<I, O>> requests) {
        boolean done = false;
        try {
            requests.forEach(this::submit);
            CompletableFuture.allOf(requests.toArray(CompletableFuture[]::new)).get();
            done = true;
        } catch (ExecutionException e) {
            // Whoever looks at each of them finds out which.
            done = true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException(
                    models.name() + " gave up a predictAll: its caller was interrupted while it waited");
        } finally {
            if (!done) {
                requests.forEach(request -> request.cancel(false));
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
        return version(traffic, request.key, request.input);
    }

    private Loaded<I, O> version(Traffic<I, O> traffic, @Nullable String own, I input) {
        if (!traffic.routed()) {
            return traffic.champion();
        }
        return traffic.choose(own != null || key == null ? own : key.apply(input));
    }

    /** Returns where the version that refused a request is closed and does not serve any more. */
    private void rethrowUnlessChanged(Traffic<I, O> then, Loaded<I, O> refused, ClosedException e) {
        if (then == roster.traffic() || !refused.batcher().isClosed()) {
            throw e;
        }
    }
}
