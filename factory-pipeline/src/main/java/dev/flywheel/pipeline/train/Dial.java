package dev.flywheel.pipeline.train;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A knob with its range. Immutable.
 *
 * @param names the settings that it changes, as the trainer names them
 */
record Dial<T extends Trainer, V>(Knob<T, V> knob, Range<V> range, List<String> names) implements Serializable {

    private static final Logger log = LoggerFactory.getLogger(Dial.class);

    /** Named by what it does to a trainer, so that no name can be misspelt. */
    static <T extends Trainer, V> Dial<T, V> of(T base, Knob<T, V> knob, Range<V> range) {
        List<String> changed = new ArrayList<>();
        Map<String, String> first = null;
        for (V value : range.tests()) {
            Map<String, String> settings = knob.turn(base, value).settings();
            Map<String, String> before = first == null ? settings : first;
            first = before;
            settings.forEach((name, text) -> {
                if (!text.equals(before.get(name)) && !changed.contains(name)) {
                    changed.add(name);
                }
            });
        }
        if (changed.isEmpty()) {
            throw new IllegalArgumentException(
                    "no setting of " + base.describe() + " differs by the values " + range.describe());
        }
        return new Dial<>(knob, range, List.copyOf(changed));
    }

    /** The settings in words. */
    String name() {
        return String.join(" and ", names);
    }

    T turn(T trainer, double place) {
        return knob.turn(trainer, range.at(place));
    }

    /** The trainer with the value that a description tells; empty if it tells none. */
    Optional<T> like(T trainer, String description) {
        String first = names.get(0);
        Matcher told =
                Pattern.compile("[(, ]" + Pattern.quote(first) + "=([^,)]*)").matcher(description);
        if (!told.find()) {
            return Optional.empty();
        }
        for (V value : range.read(told.group(1))) {
            try {
                T turned = knob.turn(trainer, value);
                String setting = first + "=" + turned.settings().get(first);
                if (Pattern.compile("[(, ]" + Pattern.quote(setting) + "[,)]")
                        .matcher(description)
                        .find()) {
                    return Optional.of(turned);
                }
            } catch (IllegalArgumentException e) {
                log.debug("{} does not take {} any more", trainer.describe(), value, e);
            }
        }
        return Optional.empty();
    }
}
