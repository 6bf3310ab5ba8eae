package dev.flywheel.serving;

import dev.flywheel.serving.engine.Lane;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A codec behind a preparation. An endpoint prepares each input once and binds the codec behind. Thread-safe.
 *
 * @param together the same for a list of inputs; null where that is no sooner
 * @param <A> the inputs before preparation
 * @param <I> the inputs after it
 * @param <O> the outputs
 */
record PreparingCodec<A, I, O>(
        Codec<I, O> target,
        Function<? super A, ? extends I> prepare,
        @Nullable Function<List<A>, ? extends List<? extends I>> together,
        List<A> examples)
        implements Codec<A, O> {

    PreparingCodec {
        Objects.requireNonNull(prepare, "prepare");
        Objects.requireNonNull(target, "target");
        examples = List.copyOf(examples);
    }

    @Override
    public <B> Codec<B, O> from(Function<? super B, ? extends A> before, List<B> others) {
        return new PreparingCodec<>(target, input -> prepare.apply(before.apply(input)), null, others);
    }

    @Override
    public int length(A input) {
        return target.length(prepare.apply(input));
    }

    @Override
    public Binding<A, O> bind(Lane lane) {
        Binding<I, O> binding = target.bind(lane);
        return new Binding<>() {
            @Override
            public void write(A input, int row) {
                binding.write(prepare.apply(input), row);
            }

            @Override
            public O read(int row) {
                return binding.read(row);
            }
        };
    }
}
