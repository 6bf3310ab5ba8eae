package dev.flywheel.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.device.Accelerator.Tier;
import dev.flywheel.gpu.Claim.State;
import dev.flywheel.gpu.FairShare.Resource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AdmissionTest {

    private static final List<Tier> TIERS = List.of(Tier.values());

    private final FairShare device = new FairShare("gpu", () -> 0);
    private final Admission admission = new Admission(device);
    private final Map<Claim, Integer> asked = new HashMap<>();
    private long order;

    private AdmissionTest budget(long bytes) {
        device.quota(Resource.MEMORY, (double) bytes);
        return this;
    }

    private Claim fixed(String owner, Tier tier, long bytes) {
        return settled(new Claim(member(owner), tier, bytes, order++, null));
    }

    private Claim yielding(String owner, Tier tier, long bytes) {
        Claim[] made = new Claim[1];
        made[0] = new Claim(member(owner), tier, bytes, order++, () -> asked.merge(made[0], 1, Integer::sum));
        return settled(made[0]);
    }

    private FairShare member(String owner) {
        return device.member(owner.replaceFirst("/.*", "")).member(owner);
    }

    private Claim settled(Claim claim) {
        admission.add(claim);
        settle();
        return claim;
    }

    private void settle() {
        long before = admission.reserved();
        admission.settle().forEach(Runnable::run);
        assertThat(admission.reserved()).isLessThanOrEqualTo(Math.max(before, admission.budget()));
        double kept = admission.claims().stream()
                .filter(claim -> claim.state == State.HELD)
                .mapToDouble(claim -> claim.bytes)
                .sum();
        assertThat(device.usage(Resource.MEMORY)).isEqualTo(kept);
    }

    private void close(Claim claim) {
        admission.remove(claim);
        settle();
    }

    @Test
    void givesWhatIsFreeAndThenWhatIsClosed() {
        budget(100);
        Claim first = fixed("a", Tier.SERVING, 60);
        Claim second = fixed("b", Tier.SERVING, 60);
        assertThat(first.state).isEqualTo(State.HELD);
        assertThat(second.state).isEqualTo(State.WAITS);
        close(first);
        assertThat(second.state).isEqualTo(State.HELD);
        close(first);
        assertThat(admission.reserved()).isEqualTo(60);
    }

    @Test
    void asksTheLowestTierOfTheGreatestShareForServing() {
        budget(100);
        Claim batch = yielding("a", Tier.BATCH, 40);
        Claim little = yielding("b", Tier.TRAINING, 20);
        Claim much = yielding("c", Tier.TRAINING, 30);
        Claim serving = fixed("a", Tier.SERVING, 40);
        assertThat(asked).containsOnlyKeys(much);
        assertThat(serving.state).isEqualTo(State.WAITS);
        close(much);
        assertThat(serving.state).isEqualTo(State.HELD);

        Claim more = fixed("d", Tier.SERVING, 25);
        assertThat(asked).containsOnlyKeys(much, batch); // the training alone would not do
        close(batch);
        assertThat(more.state).isEqualTo(State.HELD);
        assertThat(little.state).isEqualTo(State.HELD);
    }

    @Test
    void neverAsksAHigherTier() {
        budget(100);
        yielding("a", Tier.SERVING, 60);
        yielding("a", Tier.BATCH, 40);
        Claim training = yielding("b", Tier.TRAINING, 30);
        assertThat(asked).isEmpty();
        assertThat(training.state).isEqualTo(State.WAITS);
    }

    @Test
    void takesFromATrainingThatHasMoreForOneThatHasLessButNotBack() {
        budget(100);
        Claim large = yielding("a", Tier.TRAINING, 80);
        Claim small = yielding("b", Tier.TRAINING, 30);
        assertThat(asked).containsOnlyKeys(large);
        close(large);
        assertThat(small.state).isEqualTo(State.HELD);
        Claim again = yielding("a", Tier.TRAINING, 80);
        assertThat(again.state).isEqualTo(State.WAITS);
        assertThat(asked).containsOnlyKeys(large);
        close(small);
        assertThat(again.state).isEqualTo(State.HELD);
    }

    @Test
    void doesNotTakeFromATrainingWhatItsPipelineHasUsedOfTheTimeButLetsOthersGoFirst() {
        budget(100);
        device.quota(Resource.TIME, 100);
        Claim all = fixed("x", Tier.SERVING, 60);
        Claim busy = yielding("a", Tier.TRAINING, 40);
        busy.member.use(Resource.TIME, 90);
        Claim again = yielding("a", Tier.TRAINING, 40);
        Claim idle = yielding("b", Tier.TRAINING, 40);
        assertThat(asked).as("they would drive each other out without end").isEmpty();
        close(busy);
        assertThat(again.state).isEqualTo(State.WAITS);
        assertThat(idle.state).isEqualTo(State.HELD);
        close(all);
        assertThat(again.state).isEqualTo(State.HELD);
    }

    @Test
    void keepsMemoryThatIsAskedBackForWhomItWasAsked() {
        budget(100);
        Claim training = yielding("a", Tier.TRAINING, 80);
        Claim serving = fixed("b", Tier.SERVING, 90);
        Claim small = yielding("c", Tier.TRAINING, 20);
        assertThat(asked).containsOnlyKeys(training);
        assertThat(small.state)
                .as("fits now, but not with the serving that waits")
                .isEqualTo(State.WAITS);
        Claim tiny = yielding("c", Tier.TRAINING, 10);
        assertThat(tiny.state).isEqualTo(State.WAITS); // behind the other
        close(small);
        assertThat(tiny.state).isEqualTo(State.HELD);
        close(training);
        assertThat(serving.state).isEqualTo(State.HELD);
    }

    @Test
    void letsOthersByWhereOneWaitsForWhatNobodyGivesBack() {
        budget(100);
        Claim serving = fixed("s", Tier.SERVING, 30);
        Claim large = yielding("a", Tier.TRAINING, 80);
        Claim small = yielding("b", Tier.TRAINING, 10);
        Claim stays = fixed("c", Tier.TRAINING, 10);
        assertThat(large.state).isEqualTo(State.WAITS);
        assertThat(small.state).isEqualTo(State.HELD);
        assertThat(stays.state).as("would not give way").isEqualTo(State.WAITS);
        close(serving);
        assertThat(large.state).isEqualTo(State.HELD);
        assertThat(stays.state).isEqualTo(State.HELD);
    }

    @Test
    void putsWhoHoldsLessBeforeWhoHoldsMore() {
        budget(100);
        Claim all = fixed("x", Tier.BATCH, 70);
        fixed("a", Tier.BATCH, 30);
        Claim more = yielding("a", Tier.BATCH, 70);
        Claim first = yielding("b", Tier.BATCH, 70);
        close(all);
        assertThat(more.state).isEqualTo(State.WAITS);
        assertThat(first.state).isEqualTo(State.HELD);
    }

    @Test
    void protectsAQuotaFromAllButHigherTiers() {
        budget(40);
        device.member("a").quota(Resource.MEMORY, 60);
        Claim own = yielding("a", Tier.TRAINING, 60);
        Claim borrowed = yielding("b", Tier.TRAINING, 40);
        Claim other = yielding("c", Tier.TRAINING, 20);
        assertThat(asked).containsOnlyKeys(borrowed);
        close(borrowed);
        assertThat(other.state).isEqualTo(State.HELD);
        fixed("b", Tier.BATCH, 60);
        assertThat(asked).containsOnlyKeys(borrowed, own);
    }

    @Test
    void givesNothingMoreWhileABudgetThatShrankIsOverdrawn() {
        budget(100);
        Claim first = fixed("a", Tier.SERVING, 60);
        budget(50);
        Claim second = fixed("b", Tier.SERVING, 10);
        assertThat(second.state).isEqualTo(State.WAITS);
        close(first);
        assertThat(second.state).isEqualTo(State.HELD);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void isNeverOverTheBudgetAndStarvesNobody(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 20; round++) {
            budget(100);
            device.member("p0").quota(Resource.MEMORY, random.nextInt(40));
            for (int step = 0; step < 100; step++) {
                change(random);
            }
            drain(random);
        }
    }

    private void change(SplittableRandom random) {
        List<Claim> all = admission.claims();
        int what = random.nextInt(10);
        if (what < 5) {
            String owner = "p" + random.nextInt(4) + "/" + random.nextInt(2);
            Tier tier = TIERS.get(random.nextInt(3));
            long bytes = random.nextInt(100);
            Claim unused = random.nextInt(3) > 0 ? yielding(owner, tier, bytes) : fixed(owner, tier, bytes);
        } else if (what < 9 && !all.isEmpty()) {
            close(all.get(random.nextInt(all.size()))); // waiting, held or asked back
        } else {
            double quota = device.member("p0").quota(Resource.MEMORY);
            budget(random.nextInt(60, 140) - (long) quota);
            settle();
        }
        assertThat(asked.values()).allMatch(times -> times == 1);
        assertThat(asked.keySet()).allMatch(claim -> claim.reclaim != null && claim.state != State.WAITS);
    }

    /** Everybody closes what he gets, so that everybody gets his. */
    private void drain(SplittableRandom random) {
        budget(100);
        settle();
        while (!admission.claims().isEmpty()) {
            List<Claim> held = new ArrayList<>(admission.claims());
            held.removeIf(claim -> !claim.held());
            assertThat(held).as("who waits, though all is free").isNotEmpty();
            close(held.get(random.nextInt(held.size())));
        }
        assertThat(device.usage(Resource.MEMORY)).isZero();
    }
}
