package dev.flywheel.serving.batch;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PolicyTest {

    private final BatchOptions options = BatchOptions.defaults();
    private final Policy policy =
            new Policy(options, new FakeRunner("lane", 4), new WaitingLine<FakeRunner.Ask>("endpoint test", options));

    @Test
    void thereAreMoreCallersThanLanesForAWhileAfterOneHadToWait() {
        assertThat(policy.isCrowded()).isFalse();
        policy.foundNone(1_000);
        assertThat(policy.isCrowded(999 + Policy.CROWDED_NANOS)).isTrue();
        assertThat(policy.isCrowded(1_000 + Policy.CROWDED_NANOS)).isFalse();
        assertThat(policy.isCrowded()).isFalse();
    }

    @Test
    void eachThatHasToWaitProlongsThat() {
        policy.foundNone(1_000);
        long later = 1_000 + Policy.CROWDED_NANOS / 2 + 1;
        policy.foundNone(later);
        assertThat(policy.isCrowded(1_000 + Policy.CROWDED_NANOS)).isTrue();
        assertThat(policy.isCrowded(later + Policy.CROWDED_NANOS)).isFalse();
    }
}
