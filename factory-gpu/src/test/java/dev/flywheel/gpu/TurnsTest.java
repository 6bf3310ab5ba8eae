package dev.flywheel.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.device.Accelerator.Tier;
import dev.flywheel.core.device.Sharing;
import dev.flywheel.gpu.FairShare.Resource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Turns on a clock that goes on from event to event. */
class TurnsTest {

    private static final List<Tier> TIERS = List.of(Tier.values());

    private static final long MS = 1_000_000;

    private long now;
    private final FairShare device = device();
    private final Turns turns = new Turns(() -> now);

    private FairShare device() {
        FairShare made = new FairShare("gpu", () -> now);
        made.quota(Resource.TIME, 1e11);
        made.halfLife(60e9);
        return made;
    }

    private Turns.Turn ask(Tier tier, String owner) {
        FairShare pipeline = device.member(owner.replaceFirst("/.*", ""));
        return turns.ask(tier, pipeline, pipeline.member(owner));
    }

    private static boolean runs(Turns.Turn turn) {
        return turn.state == Turns.State.RUNS;
    }

    private void endAfter(long nanos, Turns.Turn turn) {
        now += nanos;
        turns.end(turn);
    }

    @Test
    void runsAsManyAsThereAreSlots() {
        Turns.Turn first = ask(Tier.SERVING, "a");
        Turns.Turn second = ask(Tier.SERVING, "a");
        Turns.Turn third = ask(Tier.SERVING, "a");
        assertThat(List.of(runs(first), runs(second), runs(third))).containsExactly(true, true, false);
        turns.end(second);
        assertThat(runs(third)).isTrue();
    }

    @Test
    void endsATurnOnce() {
        turns.sharing(Sharing.defaults().slots(1));
        Turns.Turn first = ask(Tier.SERVING, "a");
        Turns.Turn second = ask(Tier.SERVING, "a");
        Turns.Turn third = ask(Tier.SERVING, "a");
        turns.end(first);
        turns.end(first);
        assertThat(runs(second)).isTrue();
        assertThat(runs(third)).isFalse();
    }

    @Test
    void letsServingGoBeforeBatchesAndThoseBeforeTraining() {
        turns.sharing(Sharing.defaults().slots(1).floor(0));
        Turns.Turn running = ask(Tier.TRAINING, "t");
        Turns.Turn training = ask(Tier.TRAINING, "t");
        Turns.Turn batch = ask(Tier.BATCH, "b");
        Turns.Turn serving = ask(Tier.SERVING, "s");
        endAfter(MS, running);
        assertThat(runs(serving)).isTrue();
        endAfter(MS, serving);
        assertThat(runs(batch)).isTrue();
        endAfter(MS, batch);
        assertThat(runs(training)).isTrue();
    }

    @Test
    void letsOneOwnersTurnsGoInTheOrderInWhichTheyCame() {
        turns.sharing(Sharing.defaults().slots(1));
        List<Turns.Turn> asked = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            asked.add(ask(Tier.BATCH, "a"));
        }
        for (Turns.Turn turn : asked) {
            assertThat(runs(turn)).isTrue();
            endAfter(MS, turn);
        }
    }

    @Test
    void passesOverOneWhoDoesNotWaitAnyMore() {
        turns.sharing(Sharing.defaults().slots(1));
        Turns.Turn running = ask(Tier.SERVING, "a");
        Turns.Turn given = ask(Tier.SERVING, "a");
        Turns.Turn next = ask(Tier.SERVING, "a");
        turns.end(given);
        turns.end(running);
        assertThat(runs(next)).isTrue();
        assertThat(runs(given)).isFalse();
    }

    @Test
    void lowersTheSlotsAsTurnsEnd() {
        Turns.Turn first = ask(Tier.SERVING, "a");
        Turns.Turn second = ask(Tier.SERVING, "a");
        Turns.Turn third = ask(Tier.SERVING, "a");
        turns.sharing(Sharing.defaults().slots(1));
        turns.end(first);
        assertThat(runs(third)).isFalse();
        turns.end(second);
        assertThat(runs(third)).isTrue();
        Turns.Turn fourth = ask(Tier.SERVING, "a");
        turns.sharing(Sharing.defaults().slots(2));
        assertThat(runs(fourth)).isTrue();
    }

    /** Owners who take turns of a fixed length, again and again, with pauses between. */
    private final class Load {

        private final SplittableRandom random;
        private final List<Client> clients = new ArrayList<>();
        private final PriorityQueue<Event> events =
                new PriorityQueue<>(Comparator.comparingLong(Event::at).thenComparingLong(Event::order));
        private final Map<String, Double> used = new LinkedHashMap<>();
        private final Map<Tier, List<Long>> waits = new EnumMap<>(Tier.class);
        private long order;
        private int running;

        Load(long seed) {
            random = new SplittableRandom(seed);
            for (Tier tier : Tier.values()) {
                waits.put(tier, new ArrayList<>());
            }
        }

        record Event(long at, long order, Runnable what) {}

        final class Client {
            final Tier tier;
            final String owner;
            final long length;
            final long pause;
            Turns.@Nullable Turn turn;
            long since;

            Client(Tier tier, String owner, long length, long pause) {
                this.tier = tier;
                this.owner = owner;
                this.length = length;
                this.pause = pause;
                clients.add(this);
                later(0, this::want);
            }

            void want() {
                since = now;
                turn = ask(tier, owner);
            }
        }

        void later(long nanos, Runnable what) {
            events.add(new Event(now + nanos, order++, what));
        }

        void begin(Client client) {
            Turns.Turn turn = Objects.requireNonNull(client.turn);
            client.turn = null;
            running++;
            Objects.requireNonNull(waits.get(client.tier)).add(now - client.since);
            long length = client.length;
            later(length, () -> {
                running--;
                used.merge(client.owner, (double) length, Double::sum);
                turns.end(turn);
                // What follows a turn follows at once or after a pause.
                if (client.pause == 0) {
                    client.want();
                } else {
                    later(random.nextLong(client.pause) * 2, client::want);
                }
            });
        }

        void run(long until, int slots) {
            while (!events.isEmpty() && events.element().at < until) {
                Event event = events.remove();
                now = event.at;
                event.what.run();
                for (Client client : clients) {
                    if (client.turn != null && runs(client.turn)) {
                        begin(client);
                    }
                }
                assertThat(running).isLessThanOrEqualTo(slots);
                boolean waits = clients.stream().anyMatch(client -> client.turn != null);
                assertThat(!waits || running == slots)
                        .as("a slot is free while somebody waits")
                        .isTrue();
            }
        }

        double part(String owner) {
            return used.getOrDefault(owner, 0.0)
                    / used.values().stream().mapToDouble(d -> d).sum();
        }

        long wait(Tier tier, double quantile) {
            List<Long> sorted =
                    Objects.requireNonNull(waits.get(tier)).stream().sorted().toList();
            return sorted.get((int) (quantile * (sorted.size() - 1)));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void keepsAFloorForTrainingAndBatchesWhileServingWantsAll(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Load load = new Load(seed);
        for (int i = 0; i < 6; i++) {
            load.new Client(Tier.SERVING, "s" + i % 3, random.nextLong(1, 5) * MS, 0);
        }
        long batch = random.nextLong(1, 30) * MS;
        long step = random.nextLong(1, 30) * MS;
        load.new Client(Tier.BATCH, "b", batch, 0);
        load.new Client(Tier.TRAINING, "t", step, 0);
        long until = 20_000 * MS;
        load.run(until, 2);
        // The two lanes have been busy all the time, so what was used is twice the time; a turn more or less is the
        // end.
        assertThat(load.part("t")).isBetween(0.1 - step / (double) until, 0.11 + step / (double) until);
        assertThat(load.part("b")).isBetween(0.1 - batch / (double) until, 0.11 + batch / (double) until);
    }

    @Test
    void letsServingWaitForOneStepAtMost() {
        Load load = new Load(7);
        load.new Client(Tier.SERVING, "s/1", 2 * MS, 2 * MS);
        load.new Client(Tier.SERVING, "s/2", 2 * MS, 2 * MS);
        load.new Client(Tier.TRAINING, "t", 5 * MS, 0);
        load.new Client(Tier.TRAINING, "u", 5 * MS, 0);
        load.run(20_000 * MS, 2);
        assertThat(load.wait(Tier.SERVING, 1)).isLessThanOrEqualTo(5 * MS);
        assertThat(load.part("t") + load.part("u")).isGreaterThan(0.1);
    }

    @Test
    void trainsAsMuchAsServingLeaves() {
        Load load = new Load(8);
        load.new Client(Tier.SERVING, "s", 2 * MS, 20 * MS);
        load.new Client(Tier.TRAINING, "t", 5 * MS, 0);
        load.new Client(Tier.TRAINING, "u", 5 * MS, 0);
        load.run(20_000 * MS, 2);
        assertThat(load.wait(Tier.SERVING, 1)).isLessThanOrEqualTo(5 * MS);
        assertThat(load.part("t")).isCloseTo(load.part("u"), within(0.01));
        assertThat(load.part("t") + load.part("u")).isGreaterThan(0.9);
    }

    @Test
    void sharesTheTimeByWeightsWhateverTheLengthOfTurns() {
        device.member("a").weight(3);
        Load load = new Load(9);
        for (int i = 0; i < 4; i++) {
            load.new Client(Tier.SERVING, "a", MS, 0);
            load.new Client(Tier.SERVING, "b", 7 * MS, 0);
        }
        load.run(20_000 * MS, 2);
        assertThat(load.part("a")).isCloseTo(0.75, within(0.02));
    }

    @Test
    void sharesBetweenPipelinesFirstAndThenBetweenTheirOwners() {
        Load load = new Load(10);
        for (String owner : List.of("a/1", "a/2", "a/3", "b/1")) {
            load.new Client(Tier.BATCH, owner, 2 * MS, 0);
            load.new Client(Tier.BATCH, owner, 2 * MS, 0);
        }
        load.run(20_000 * MS, 2);
        assertThat(load.part("b/1")).isCloseTo(0.5, within(0.02));
        assertThat(load.part("a/2")).isCloseTo(0.5 / 3, within(0.02));
    }

    @Test
    void keepsAQuotaOfTheTime() {
        device.quota(Resource.TIME, 0.3 * 2 * 60e9 / Math.log(2));
        device.member("a").quota(Resource.TIME, 0.7 * 2 * 60e9 / Math.log(2));
        Load load = new Load(11);
        for (int i = 0; i < 3; i++) {
            load.new Client(Tier.SERVING, "a", 50 * MS, 0);
            load.new Client(Tier.SERVING, "b", 50 * MS, 0);
        }
        load.run(600_000 * MS, 2);
        load.used.clear();
        load.run(1_200_000 * MS, 2);
        assertThat(load.part("a")).isCloseTo(0.85, within(0.03)); // its own 0.7, and half of what is left
    }

    @Test
    void remembersPastUseForSomeHalfLives() {
        Load load = new Load(12);
        for (int i = 0; i < 4; i++) {
            load.new Client(Tier.SERVING, "old", 20 * MS, 0);
        }
        load.run(300_000 * MS, 2);
        for (int i = 0; i < 4; i++) {
            load.new Client(Tier.SERVING, "new", 20 * MS, 0);
        }
        load.used.clear();
        load.run(330_000 * MS, 2);
        assertThat(load.part("new")).isBetween(0.9, 0.96); // the old one keeps its floor
        load.run(400_000 * MS, 2);
        load.used.clear();
        load.run(430_000 * MS, 2);
        assertThat(load.part("new")).isCloseTo(0.5, within(0.02));
    }

    @Test
    void giveNothingButLeftoversToAWeightOfZero() {
        device.member("last").weight(0);
        turns.sharing(Sharing.defaults().floor(0).halfLife(Duration.ofMinutes(1)));
        Load load = new Load(13);
        for (String owner : List.of("a", "a", "b", "b", "last")) {
            load.new Client(Tier.SERVING, owner, 2 * MS, 0);
        }
        load.run(5_000 * MS, 2);
        assertThat(load.part("last")).isLessThan(0.001);
    }

    @ParameterizedTest
    @ValueSource(longs = {21, 22, 23, 24, 25, 26, 27, 28})
    void letsEverybodyHaveATurnWhateverComes(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int slots = random.nextInt(1, 5);
        turns.sharing(Sharing.defaults().slots(slots));
        Load load = new Load(seed);
        int clients = random.nextInt(2, 20);
        long longest = 0;
        for (int i = 0; i < clients; i++) {
            Tier tier = TIERS.get(random.nextInt(3));
            long length = random.nextLong(1, 20 * MS);
            longest = Math.max(longest, length);
            String owner = "p" + random.nextInt(4) + "/" + random.nextInt(3);
            load.new Client(tier, owner, length, random.nextBoolean() ? 0 : random.nextLong(1, 10 * MS));
        }
        load.run(10_000 * MS, slots);
        for (Load.Client client : load.clients) {
            long waits = client.turn == null ? 0 : now - client.since;
            // A tenth of the time is for ten others at most, so this is far beyond what a turn of theirs can take.
            assertThat(waits).as(client.owner + " " + client.tier).isLessThan(longest * 10 * 10 * clients);
        }
    }
}
