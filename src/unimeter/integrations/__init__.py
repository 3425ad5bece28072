"""Agent frameworks: one thin module each, which maps the framework's hooks to the calls and tools of a run.

What a module tells is structure: which agent, which tool, which role a model plays. The figures come from the wire where
a `capture` is on; where none is, from the framework's own usage type, with what that has kept of them.

None is imported unless you import it; without its framework that is an ImportError which names the extra.
"""
