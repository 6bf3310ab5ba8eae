package dev.flywheel.serving.stress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.engine.OnnxEngine;
import dev.flywheel.serving.route.Route;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Changes the versions of an endpoint at random, one change after the other, and holds what it then serves against a
 * plain account of what it should. Not thread-safe.
 */
final class Changes {

    private static final int MOST_LOADED = 5;

    /** Which versions get requests. Immutable. */
    private record Setting(int champion, Route route) {

        Set<Integer> serving() {
            Set<Integer> all = new HashSet<>(route.versions());
            all.add(champion);
            return all;
        }
    }

    private record Past(Setting setting, boolean swapped) {}

    /** Does a change; may be refused. */
    private interface Change {
        void run() throws IOException;
    }

    private final Path directory;
    private final Ledger ledger;
    private final FaultyEngine.Watch watch;
    private final SplittableRandom random;
    private final Deque<Past> history = new ArrayDeque<>();

    /** Whether each loaded version came as a file, so that it can come again. */
    private final Map<Integer, Boolean> loaded = new TreeMap<>();

    private final Set<Integer> files = new HashSet<>();
    private Setting now;
    private @Nullable Integer shadow;
    private int last;
    private int done;

    Changes(Path directory, Ledger ledger, FaultyEngine.Watch watch, SplittableRandom random, int first) {
        this.directory = directory;
        this.ledger = ledger;
        this.watch = watch;
        this.random = random;
        this.last = first;
        this.now = new Setting(first, Route.champion());
        loaded.put(first, false);
        ledger.versions.begins(first);
    }

    /** {@return how many changes took place} */
    int done() {
        return done;
    }

    /** {@return an engine of a version, which fails now and then} */
    FaultyEngine engine(int number) throws IOException {
        Path file = file(number);
        FaultyEngine engine = new FaultyEngine(OnnxEngine.open(file), ledger, watch);
        // A loaded model needs its file no more.
        Files.delete(file);
        return engine;
    }

    private Path file(int number) {
        return StressModel.write(directory.resolve("v" + number + ".onnx"), number);
    }

    void change(Endpoint<Ask, Answer> endpoint) throws IOException {
        switch (random.nextInt(12)) {
            case 0, 1 -> swap(endpoint);
            case 2, 3 -> add(endpoint);
            case 4 -> serve(new Setting(any(), Route.champion()), endpoint);
            case 5 -> serve(new Setting(now.champion, Route.canary(any(), random.nextDouble())), endpoint);
            case 6 -> serve(new Setting(now.champion, Route.split(several())), endpoint);
            case 7 -> remove(endpoint);
            case 8 -> rollback(endpoint);
            case 9 -> shadow(endpoint);
            case 10 -> {
                endpoint.endShadow();
                shadow = null;
            }
            default -> refuseBroken(endpoint);
        }
        assertThat(endpoint.version()).isEqualTo(now.champion);
        assertThat(endpoint.route().versions()).isEqualTo(now.route.versions());
        assertThat(endpoint.versions()).containsExactlyElementsOf(loaded.keySet());
    }

    private void swap(Endpoint<Ask, Answer> endpoint) throws IOException {
        int next = ++last;
        int old = now.champion;
        expose(new Setting(next, Route.champion()), true, () -> {
            if (asFile(next)) {
                endpoint.swap(file(next), next);
            } else {
                endpoint.swap(engine(next), next);
            }
        });
        loaded.remove(old);
        loaded.put(next, files.contains(next));
    }

    private void add(Endpoint<Ask, Answer> endpoint) throws IOException {
        if (loaded.size() >= MOST_LOADED) {
            remove(endpoint);
            return;
        }
        int next = ++last;
        if (asFile(next)) {
            endpoint.add(file(next), next);
        } else {
            endpoint.add(engine(next), next);
        }
        loaded.put(next, files.contains(next));
        done++;
    }

    private void serve(Setting next, Endpoint<Ask, Answer> endpoint) throws IOException {
        expose(next, false, () -> {
            if (next.champion != now.champion) {
                endpoint.promote(next.champion);
            } else {
                endpoint.route(next.route);
            }
        });
    }

    private void remove(Endpoint<Ask, Answer> endpoint) {
        int version = any();
        if (now.serving().contains(version) || Integer.valueOf(version).equals(shadow)) {
            assertThatThrownBy(() -> endpoint.remove(version)).isInstanceOf(IllegalStateException.class);
        } else {
            endpoint.remove(version);
            loaded.remove(version);
            done++;
        }
    }

    private void shadow(Endpoint<Ask, Answer> endpoint) {
        int version = any();
        if (version == now.champion) {
            assertThatThrownBy(() -> endpoint.shadow(version)).isInstanceOf(IllegalArgumentException.class);
        } else {
            endpoint.shadow(version);
            shadow = version;
            done++;
        }
    }

    private void rollback(Endpoint<Ask, Answer> endpoint) throws IOException {
        Past past = history.peek();
        if (past == null) {
            assertThatThrownBy(endpoint::rollback).isInstanceOf(IllegalStateException.class);
            return;
        }
        Set<Integer> needed = past.setting.serving();
        if (needed.stream().anyMatch(version -> !loaded.containsKey(version) && !files.contains(version))) {
            assertThatThrownBy(endpoint::rollback).isInstanceOf(IllegalStateException.class);
            return;
        }
        int old = now.champion;
        expose(past.setting, past.swapped, endpoint::rollback);
        history.pop();
        history.pop();
        if (past.swapped) {
            loaded.remove(old);
        }
        needed.forEach(version -> loaded.putIfAbsent(version, true));
    }

    private void expose(Setting next, boolean swapped, Change change) throws IOException {
        next.serving().forEach(ledger.versions::begins);
        change.run();
        now.serving().stream()
                .filter(version -> !next.serving().contains(version))
                .forEach(ledger.versions::ended);
        history.push(new Past(now, swapped));
        now = next;
        if (shadow != null && shadow == next.champion) {
            shadow = null;
        }
        done++;
    }

    private void refuseBroken(Endpoint<Ask, Answer> endpoint) throws IOException {
        Path broken = directory.resolve("broken.onnx");
        byte[] good = Files.readAllBytes(StressModel.write(broken, 1));
        switch (random.nextInt(3)) {
            case 0 -> Files.delete(broken);
            case 1 -> Files.write(broken, new byte[] {1, 2, 3, 4});
            default -> Files.write(broken, Arrays.copyOf(good, good.length / 2));
        }
        assertThatThrownBy(() -> endpoint.swap(broken, -1)).isInstanceOf(ModelFormatException.class);
        assertThatThrownBy(() -> endpoint.add(broken, -1)).isInstanceOf(ModelFormatException.class);
    }

    private boolean asFile(int number) {
        if (random.nextInt(3) == 0) {
            files.add(number);
            return true;
        }
        return false;
    }

    private int any() {
        List<Integer> all = List.copyOf(loaded.keySet());
        return all.get(random.nextInt(all.size()));
    }

    private int[] several() {
        List<Integer> some = new ArrayList<>(loaded.keySet());
        some.removeIf(version -> random.nextInt(3) == 0);
        return some.isEmpty()
                ? new int[] {now.champion}
                : some.stream().mapToInt(Integer::intValue).toArray();
    }
}
