package dev.flywheel.serving;

import dev.flywheel.serving.engine.Lane;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What happens to an input before it queues. Thread-safe. */
final class Preparation<I, O> {

    private final Codec<I, O> codec;
    private final @Nullable PreparingCodec<I, Object, O> preparing;
    private final Codec<Object, O> target;

    // What a preparation makes is given to no codec but the one behind it.
    @SuppressWarnings("unchecked")
    Preparation(Codec<I, O> codec) {
        this.codec = Objects.requireNonNull(codec, "codec");
        this.preparing = codec instanceof PreparingCodec<?, ?, ?> p ? (PreparingCodec<I, Object, O>) p : null;
        this.target = preparing == null ? (Codec<Object, O>) codec : preparing.target();
    }

    /** {@return what the caller asks, ready to be written} */
    Ask<I> ask(I input) {
        return ask(input, prepared(Objects.requireNonNull(input, "input")));
    }

    private Ask<I> ask(I input, Object prepared) {
        return new Ask<>(input, prepared, target.length(prepared));
    }

    /** {@return what the caller asks, prepared together; empty if inputs are prepared one by one} */
    List<Ask<I>> together(List<? extends I> inputs) {
        if (preparing == null || preparing.together() == null || inputs.size() < 2) {
            return List.of();
        }
        List<?> prepared = preparing.together().apply(List.copyOf(inputs));
        if (prepared.size() != inputs.size()) {
            throw new IllegalStateException(
                    inputs.size() + " inputs were prepared together, and gave " + prepared.size());
        }
        return IntStream.range(0, inputs.size())
                .mapToObj(i -> ask(inputs.get(i), prepared.get(i)))
                .toList();
    }

    /** {@return what the bound codec writes} */
    Object prepared(I input) {
        return preparing == null ? input : preparing.prepare().apply(input);
    }

    int length(Object prepared) {
        return target.length(prepared);
    }

    List<I> examples() {
        return codec.examples();
    }

    Codec.Binding<Object, O> bind(Lane lane) {
        return target.bind(lane);
    }
}
