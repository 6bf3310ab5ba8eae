package dev.flywheel.pipeline;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.NullUnmarked;

/** What a caller without null checks may pass. */
@NullUnmarked
@SuppressWarnings("TypeParameterUnusedInFormals")
final class Nulls {

    private Nulls() {}

    static <T> T none() {
        return null;
    }

    static <K, V> Map<K, V> map(K key, V value) {
        Map<K, V> map = new HashMap<>();
        map.put(key, value);
        return map;
    }
}
