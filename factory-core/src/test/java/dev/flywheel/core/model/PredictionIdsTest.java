package dev.flywheel.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.google.common.hash.Hashing;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class PredictionIdsTest {

    private static final Instant NOON = Instant.parse("2026-01-31T12:00:00.123456789Z");

    @Test
    void isAVersion7UuidWithTheTimeInFront() {
        UUID id = new PredictionIds(InstantSource.fixed(NOON)).next();

        assertThat(id.version()).isEqualTo(7);
        assertThat(id.variant()).isEqualTo(2);
        assertThat(PredictionIds.time(id)).isEqualTo(Instant.parse("2026-01-31T12:00:00.123Z"));
        assertThat(id.getMostSignificantBits() & 0xFFF).isEqualTo(456_789L * 4096 / 1_000_000);
    }

    @Test
    void increasesWithinOneTickAndBeyond() {
        PredictionIds ids = new PredictionIds(InstantSource.fixed(NOON));
        UUID previous = ids.next();
        for (int i = 0; i < 100_000; i++) {
            UUID id = ids.next();
            assertThat(unsigned(id)).isGreaterThan(unsigned(previous));
            previous = id;
        }
        assertThat(PredictionIds.time(previous)).isBefore(NOON.plusMillis(1));
    }

    @Test
    void manyAtOnceAreLikeThoseOneByOne() {
        PredictionIds ids = new PredictionIds(InstantSource.fixed(NOON));
        UUID[] many = new UUID[1_000];
        UUID previous = ids.next();
        ids.next(many, 999);
        for (int i = 0; i < 999; i++) {
            assertThat(unsigned(many[i])).isGreaterThan(unsigned(previous));
            assertThat(many[i].version()).isEqualTo(7);
            previous = many[i];
        }
        assertThat(many[999]).isNull();
        assertThat(unsigned(ids.next())).isGreaterThan(unsigned(previous));
    }

    @Test
    void increasesWhenTheClockIsSetBack() {
        Instant[] now = {NOON};
        PredictionIds ids = new PredictionIds(() -> now[0]);
        UUID before = ids.next();
        now[0] = NOON.minus(Duration.ofHours(1));

        assertThat(unsigned(ids.next())).isGreaterThan(unsigned(before));
    }

    @Test
    void isUniqueAndIncreasingOnEveryThread() throws Exception {
        PredictionIds ids = new PredictionIds(InstantSource.system());
        ExecutorService pool = Executors.newFixedThreadPool(100);
        try {
            List<Future<List<UUID>>> parts = new ArrayList<>();
            for (int t = 0; t < 100; t++) {
                parts.add(pool.submit(() -> {
                    List<UUID> made = new ArrayList<>();
                    for (int i = 0; i < 2_000; i++) {
                        made.add(ids.next());
                    }
                    return made;
                }));
            }
            Set<UUID> all = new HashSet<>();
            for (Future<List<UUID>> part : parts) {
                List<UUID> made = part.get();
                all.addAll(made);
                for (int i = 1; i < made.size(); i++) {
                    assertThat(unsigned(made.get(i))).isGreaterThan(unsigned(made.get(i - 1)));
                }
            }
            assertThat(all).hasSize(200_000);
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void twoSourcesDifferInTheBitsThatCannotBeGuessed() {
        InstantSource clock = InstantSource.fixed(NOON);

        UUID one = new PredictionIds(clock).next();
        UUID other = new PredictionIds(clock).next();

        assertThat(one.getMostSignificantBits()).isEqualTo(other.getMostSignificantBits());
        assertThat(one.getLeastSignificantBits()).isNotEqualTo(other.getLeastSignificantBits());
    }

    @Test
    void hashIsSipHash24() {
        Random random = new Random(7);
        for (int i = 0; i < 1000; i++) {
            long key0 = random.nextLong();
            long key1 = random.nextLong();
            ByteBuffer words = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
            words.putLong(random.nextLong()).putLong(random.nextLong());
            assertThat(PredictionIds.sip(key0, key1, words.getLong(0), words.getLong(8)))
                    .isEqualTo(Hashing.sipHash24(key0, key1)
                            .hashBytes(words.array())
                            .asLong());
        }
    }

    @Test
    void refusesTheTimeOfAnotherKindOfUuid() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PredictionIds.time(UUID.randomUUID()))
                .withMessage("expected a UUID of version 7, found version 4");
    }

    /** UUID.compareTo compares signed; the text form sorts as the bits do. */
    private static String unsigned(UUID id) {
        return id.toString();
    }
}
