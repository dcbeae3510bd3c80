"""What user Python says, read from its source without running it.

    module, names, library            where modules are, what they bind, and what a name in them means
    signature, callable, parameter,   what a task's function asks for and gives, for `check`
    annotation, enumeration, generic,
    shape, standard, problem, spot
    imported                          which packages a module brings along

What a function reaches, for the cache (docs/decisions/code-counts-by-meaning.md), from the ground up:

    scope, token, normal, form, body  one statement in its normal form, and the names that it reads
    effect, typed                     whose annotations, docstrings and texts somebody looks at
    outline                           a module as such statements, its pieces
    lookup, added, script             what a name leads to through all imports: the nodes of the graph
    facts, origin, sources, flow,     what a piece does to objects, and where their names have them from
    visit
    purity, living, held, entered,    what functions, classes and variables are known to do, hold and run
    bodies, dynamic
    change, impact                    which variables a piece changes; which pieces act on what others have, too
    graph, closure, node_sets, order  what leads to what, all that is reached, and in which order it acts
    reach, reached, place, looked,    the parts of the code with their digests, files and packages
    distribution
"""
