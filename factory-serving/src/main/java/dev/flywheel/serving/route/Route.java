package dev.flywheel.serving.route;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A rule that picks the version which answers a request. Thread-safe, and quick: it is asked once for each request, on
 * the caller's thread, so it should neither lock nor allocate. The built-in ones are immutable, but for {@link Bandit},
 * which learns.
 *
 * <p>Whatever a route does not send elsewhere goes to the champion: the version that serves without a route.
 */
public interface Route {

    /** What {@link #choose} gives for the champion. */
    int CHAMPION = -1;

    /** {@return the numbers of the versions that it may send requests to, each once; always the same list} */
    List<Integer> versions();

    /**
     * {@return the place in {@link #versions()} of the version for a request, or {@link #CHAMPION}}
     *
     * @param key whose request it is, or null if nobody said; requests without a key are spread at random
     */
    int choose(@Nullable String key);

    /** {@return the route that sends every request to the champion} */
    static Route champion() {
        return ChampionRoute.INSTANCE;
    }

    /**
     * {@return a route that sends a share of the requests to one version, and the others to the champion} A key is
     * always answered by the same side, in any process and after any restart; and when the share grows, the keys that
     * were on the canary's side stay there.
     *
     * @param version the version on trial
     * @param share of the keys, and of the requests without a key; 0 to 1, to be kept within 0.0001
     */
    static Split canary(int version, double share) {
        return Split.canary(version, share);
    }

    /**
     * {@return a route that spreads the requests over versions in equal parts; see {@link Split#weights} for others}
     *
     * @param versions at least one, each once; the champion's number may be among them
     */
    static Split split(int... versions) {
        return Split.of(versions);
    }
}
