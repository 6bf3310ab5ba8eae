package dev.flywheel.serving.route;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SplitTest {

    private static final int KEYS = 200_000;

    /** Which of the keys user-0, user-1 ... a route sends to its arm. */
    private static BitSet on(Route route, int arm) {
        BitSet set = new BitSet(KEYS);
        IntStream.range(0, KEYS).filter(i -> route.choose("user-" + i) == arm).forEach(set::set);
        return set;
    }

    @Test
    void aCanaryGetsItsShareOfTheKeysAndAlwaysTheSameOnes() {
        BitSet ten = on(Route.canary(2, 0.1), 0);
        assertThat(ten.cardinality() / (double) KEYS).isBetween(0.095, 0.105);
        assertThat(on(Route.canary(2, 0.1), 0)).isEqualTo(ten);
    }

    @Test
    void theKeysOfACanaryAreTheSameInEveryProcess() {
        Route route = Route.canary(2, 0.1);
        assertThat(IntStream.range(0, 100).filter(i -> route.choose("user-" + i) == 0))
                .as("as another implementation of the hash has it")
                .containsExactly(3, 15, 17, 22, 24, 34, 40, 67, 71, 77, 80, 82, 97);
    }

    @Test
    void theKeysOfACanaryStayWhenItsShareGrows() {
        BitSet five = on(Route.canary(7, 0.05), 0);
        BitSet ten = on(Route.canary(7, 0.1), 0);
        BitSet twenty = on(Route.canary(7, 0.2), 0);
        BitSet all = on(Route.canary(7, 1), 0);
        assertThat(twenty.cardinality() / (double) KEYS).isBetween(0.195, 0.205);
        assertThat(all.cardinality()).isEqualTo(KEYS);
        five.andNot(ten);
        assertThat(five.isEmpty()).as("none of 5% has left at 10%").isTrue();
        ten.andNot(twenty);
        assertThat(ten.isEmpty()).as("none of 10% has left at 20%").isTrue();
        assertThat(on(Route.canary(7, 0), 0).isEmpty()).isTrue();
    }

    @Test
    void aSplitKeepsItsKeysWhenItsCoverageGrows() {
        Split some = Route.split(1, 2, 3).weights(0.2, 0.3, 0.5).coverage(0.1);
        Split more = some.coverage(0.4);
        double[] shares = {0.2, 0.3, 0.5};
        for (int arm = 0; arm < 3; arm++) {
            BitSet before = on(some, arm);
            BitSet after = on(more, arm);
            assertThat(after.cardinality() / (double) KEYS)
                    .isBetween(0.4 * shares[arm] - 0.005, 0.4 * shares[arm] + 0.005);
            before.andNot(after);
            assertThat(before.isEmpty()).isTrue();
        }
        assertThat(on(more, Route.CHAMPION).cardinality() / (double) KEYS).isBetween(0.595, 0.605);
    }

    @Test
    void seedsDivideKeysIndependently() {
        BitSet one = on(Route.canary(2, 0.1), 0);
        BitSet two = on(Route.canary(3, 0.1), 0);
        one.and(two);
        assertThat(one.cardinality() / (double) KEYS)
                .as("a tenth of a tenth is in both canaries")
                .isBetween(0.0085, 0.0115);
        assertThat(on(Route.canary(2, 0.1).seed("x"), 0))
                .isEqualTo(on(Route.canary(3, 0.1).seed("x"), 0));
    }

    @Test
    void splitsOfOneNamespaceShareNoKey() {
        BitSet low = on(Route.canary(2, 1).namespace("prices", 0, 0.5), 0);
        BitSet high = on(Route.canary(3, 1).namespace("prices", 0.5, 1), 0);
        assertThat(low.cardinality() + high.cardinality()).isEqualTo(KEYS);
        assertThat(low.intersects(high)).isFalse();
    }

    @Test
    void requestsWithoutAKeyAreSpreadAtRandom() {
        Split split = Route.canary(2, 0.5).namespace("prices", 0, 0.5);
        long chosen =
                IntStream.range(0, 100_000).filter(i -> split.choose(null) == 0).count();
        assertThat(chosen / 100_000.0).as("half of half").isBetween(0.24, 0.26);
    }

    @Test
    void keysBeyondAsciiAreSpreadToo() {
        Route route = Route.canary(2, 0.5);
        long chosen = IntStream.range(0, 20_000)
                .filter(i -> route.choose("用户-" + i) == 0)
                .count();
        assertThat(chosen / 20_000.0).isBetween(0.48, 0.52);
    }

    @Test
    void choosingAllocatesNothing() {
        Split split = Route.split(1, 2, 3).weights(0.2, 0.3, 0.5).coverage(0.9).namespace("prices", 0, 0.9);
        Bandit thompson = Bandit.thompson(1, 2, 3);
        thompson.reward(1, 1);
        for (Route route : List.of(Route.champion(), Route.canary(2, 0.1), split, thompson.floor(0.1))) {
            long unused = chosen(route);
            long before = allocated();
            unused += chosen(route);
            assertThat(allocated() - before)
                    .as("bytes for %s, %s", route, unused)
                    .isLessThan(KEYS / 10);
        }
    }

    private static long chosen(Route route) {
        long sum = 0;
        for (int i = 0; i < KEYS; i++) {
            sum += route.choose("user-7") + route.choose(null);
        }
        return sum;
    }

    private static long allocated() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        return threads.getThreadAllocatedBytes(Thread.currentThread().getId());
    }

    @Test
    void nonsenseIsRefused() {
        assertThatThrownBy(() -> Route.canary(2, 1.1)).hasMessage("share must be 0 to 1, found 1.1");
        assertThatThrownBy(() -> Route.canary(2, Double.NaN)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Route.split()).hasMessage("a split needs versions, each once, found []");
        assertThatThrownBy(() -> Route.split(1, 1)).hasMessage("a split needs versions, each once, found [1, 1]");
        assertThatThrownBy(() -> Route.split(1, 2).ranges(0, 0.5))
                .hasMessage("a split over the versions [1, 2] needs two bounds for each, found [0.0, 0.5]");
        assertThatThrownBy(() -> Route.split(1).ranges(0.5, 0.1))
                .hasMessage("a range must not end before it starts, found 0.5 to 0.1");
    }

    @Test
    void printsWhatItDoes() {
        assertThat(Route.canary(2, 0.1).namespace("prices", 0, 0.5))
                .hasToString("Split[version 2 from 0.0 to 0.1, seed \"canary 2\", hash version 2, namespace \"prices\" "
                        + "from 0.0 to 0.5]");
        assertThat(Route.champion()).hasToString("champion");
    }
}
