package dev.flywheel.serving;

import dev.flywheel.serving.AnswerStore.Answer;
import dev.flywheel.serving.batch.Tally;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.Replay;

/**
 * The codec bound to memory beside the lanes, where inputs are written to be compared and kept rows are laid out to be
 * read: each reading makes a new answer, so that callers may change theirs. Not thread-safe.
 */
final class AnswerReader<O> implements AutoCloseable {

    final Tally tally = new Tally();
    private final Replay replay;
    private final Codec.Binding<Object, O> binding;

    AnswerReader(Engine engine, Preparation<?, O> preparation) {
        this.replay = Replay.of(engine);
        try {
            this.binding = preparation.bind(replay);
        } catch (RuntimeException | Error e) {
            replay.close();
            throw e;
        }
    }

    /** {@return the input as a row of this length, to the bit} */
    byte[] write(Object prepared, int length) {
        replay.length(length);
        binding.write(prepared, 0);
        return replay.inputs();
    }

    /** {@return the answer to the input that was written last, as long as the rows of the answer's run} */
    O read(Answer answer) {
        replay.replay(answer.row);
        return binding.read(0);
    }

    /** {@return what is told of what was read last} */
    double raw() {
        return binding.observed(replay, 0);
    }

    /** {@return what holds the answer that was read last} */
    Lane lane() {
        return replay;
    }

    @Override
    public void close() {
        replay.close();
    }
}
