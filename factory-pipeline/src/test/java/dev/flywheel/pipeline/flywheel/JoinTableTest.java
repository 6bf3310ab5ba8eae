package dev.flywheel.pipeline.flywheel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class JoinTableTest {

    @Test
    void holdsWhatAPlainMapHolds() {
        Random random = new Random(11);
        JoinTable table = new JoinTable();
        Map<UUID, Long> expected = new HashMap<>();
        for (int i = 0; i < 200_000; i++) {
            // few bits differ, as in ids that someone counts up
            UUID id = new UUID(random.nextInt(500), (long) random.nextInt(500) << 40);
            table.add(id.getMostSignificantBits(), id.getLeastSignificantBits(), i, 0);
            expected.putIfAbsent(id, (long) i);
        }
        expected.forEach((id, micros) -> {
            int slot = table.find(id.getMostSignificantBits(), id.getLeastSignificantBits());
            assertThat(table.predicted(slot)).isEqualTo(micros);
        });
        assertThat(table.find(500, 0)).isEqualTo(-1);
    }

    @Test
    void keepsStateWhileItGrows() {
        JoinTable table = new JoinTable();
        table.add(1, 2, 3, JoinTable.OUTSIDE);
        int slot = table.find(1, 2);
        table.set(slot, JoinTable.LATE);
        table.label(slot, 0.5, 1, 9);
        for (int i = 0; i < 5_000; i++) {
            table.add(7, i, i, 0);
        }
        slot = table.find(1, 2);

        assertThat(table.is(slot, JoinTable.OUTSIDE)).isTrue();
        assertThat(table.is(slot, JoinTable.LATE)).isTrue();
        assertThat(table.is(slot, JoinTable.LABELLED)).isTrue();
        assertThat(table.is(slot, JoinTable.SEEN)).isFalse();
        assertThat(table.label(slot)).isEqualTo(0.5);
        assertThat(table.labelled(slot)).isEqualTo(9);
        assertThat(table.predicted(slot)).isEqualTo(3);
    }
}
