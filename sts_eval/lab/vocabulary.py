"""The words of the lab's fact tables, category by category.

Values are ordinary words so that a question can be read; the things that have them are named by
syllables, so that nothing about them can be known from elsewhere.
"""

import re
from dataclasses import dataclass

N_FAMILIES = 12  # of a table, and values of each attribute: ten options need at least ten

_TABLES = """
biology: 48 of kind organism
  names: vel tar mor sil fen dru lac pter cory neb hyla aspi | mora nix tus lia dera phis gona ria
  family: fern moss beetle newt heron orchid sponge lichen otter viper finch squid
  habitat: reef swamp tundra canopy estuary desert cave meadow dune lagoon ridge delta
  diet: nectar algae plankton seeds carrion roots larvae sap pollen fungi krill leaves
  defense: venom camouflage spines shell ink mimicry thorns burrowing resin armor flight odor
business: 60 of kind firm
  names: Bran Cor Alt Hel Mer Nor Pax Tri Var Zen Quil Ost | dex con tech mart line corp trade port
  sector: retail banking mining shipping media energy farming tourism insurance software textiles steel
  strategy: franchise merger licensing outsourcing branding discount niche leasing auction bundling export rental
  channel: website agent kiosk wholesale catalog broker outlet app dealer fair depot hotline
  risk: default strike recall fraud shortage boycott piracy drought inflation lawsuit outage theft
chemistry: 66 of kind compound
  names: brom thal cer fluo xan lith phos zir man osm ytt gall | ine ate ide one ole yl ite ane
  group: ester ketone amine alkane ether phenol amide alkyne thiol nitrile oxide halide
  color: crimson amber violet indigo ochre teal ivory scarlet olive azure black pink
  solvent: water ethanol acetone benzene hexane toluene glycerol pyridine chloroform methanol butanol xylene
  use: dye fuel bleach solder soap glue paint fertilizer refrigerant catalyst lubricant preservative
computer science: 48 of kind program
  names: py ker lin reg shel gri nod vex bit dae jso mak | bot fs db net ql kit sync vm
  structure: stack queue heap tree graph hash list trie matrix set ring deque
  method: greedy recursion hashing sorting pruning caching backtracking sampling sweeping halving merging voting
  protocol: ssh ftp http smtp dns tcp udp tls ldap snmp rpc dhcp
  fault: deadlock overflow leak race timeout underflow corruption livelock panic starvation aliasing truncation
economics: 84 of kind market
  names: Gel Bar Tor Lum Sav Rin Dov Hask Ped Wim Yar Col | land mark stan burg via ona eria ador
  regime: monopoly duopoly cartel barter auction planned open mixed guild oligopoly commons patronage
  policy: tariff subsidy quota tax embargo rationing stimulus austerity privatization peg bailout ceiling
  good: wheat copper cotton timber coffee silk salt rubber wool tin cocoa coal
  trend: boom slump recovery stagnation bubble deflation glut scarcity expansion panic plateau rebound
engineering: 36 of kind machine
  names: Tor Pis Rot Cam Gear Hyd Vol Flux Stat Ram Dyn Cog | max ron lift drive mat press jet plex
  type: turbine crane pump lathe boiler drill winch loom press kiln rotor conveyor
  material: bronze concrete titanium carbon ceramic cast-iron aluminum oak glass nylon brass graphite
  failure: fatigue corrosion buckling creep wear fracture leakage vibration overheating slip jamming erosion
  sensor: gauge probe encoder camera thermostat radar microphone scale altimeter gyroscope sonar compass
health: 48 of kind disorder
  names: card neur derm gast hep oste pulm ren myo cyst arth lymph | itis osis emia algia oma pathy uria plegia
  system: heart lung kidney liver skin brain bone blood eye ear throat stomach
  symptom: fever rash cough fatigue nausea swelling tremor dizziness itching chills numbness cramps
  treatment: aspirin insulin surgery rest antibiotics steroids massage fluids vaccine splint oxygen diet
  test: biopsy x-ray ultrasound swab scan culture reflex smear endoscopy audiogram urinalysis spirometry
history: 84 of kind kingdom
  names: Ael Cas Dur Eth Gor Ith Kal Mar Oth Per Sar Ul | mond wyn gard heim dor essa thia rach
  dynasty: falcon lion stag serpent rose raven wolf eagle bear crown dragon lily
  capital: harbor citadel oasis valley island plateau fortress crossing port cliff monastery ford
  export: amber ivory spices furs tea marble horses pearls wine iron silver honey
  downfall: plague famine invasion revolt flood schism debt earthquake drought treason partition siege
law: 72 of kind case
  names: Had Bex Fos Lor Win Cray Pol Sten Mox Gar Tew Ryd | ley ton ham well ford ster wick by
  doctrine: negligence trespass nuisance libel estoppel fraud duress bailment battery easement waiver consent
  remedy: damages injunction rescission restitution eviction probation fine acquittal specific-performance forfeiture
    custody apology
  court: appeals probate juvenile maritime bankruptcy family supreme military municipal claims circuit tribal
  evidence: testimony deed ledger fingerprint contract footage receipt letter will map diary blood
math: 36 of kind theorem
  names: Abe Gau Rie Hil Noe Ban Cau Fer Eul Lag Poi Ram | lin sky mann ardi ovic oux ert ini
  field: algebra topology geometry calculus statistics combinatorics analysis arithmetic logic probability knots games
  object: group ring sphere series prime lattice manifold matrix polygon set curve fraction
  technique: induction contradiction counting symmetry limits duality descent bounding substitution coloring iteration
    inversion
  use: coding maps clocks tilings voting optics tides music weaving bridges orbits queues
other: 48 of kind festival
  names: Oli Bum Zaf Nir Pol Cho Tam Riv Huz Dal Wen Fip | bora lala kata mingo pesta yama dina fest
  month: January February March April May June July August September October November December
  food: bread rice soup cake cheese noodles pie stew figs olives beans fish
  costume: masks feathers robes ribbons hats bells sashes boots veils gloves cloaks paint
  sport: archery rowing wrestling chess sprinting fencing bowling climbing polo skating juggling darts
philosophy: 36 of kind thinker
  names: Ana Dio Xen Par Zen Plo Epi Hera Thal Soph Kar Men | goras genes medes crates thos tinus clides phon
  school: stoic skeptic cynic idealist realist dualist monist empiricist rationalist nihilist mystic pragmatist
  value: virtue pleasure duty liberty reason harmony courage silence doubt piety justice solitude
  work: dialogue essay letters aphorisms treatise poem sermon lectures fragments confession commentary fables
  rival: tyrant sophist priest poet merchant astrologer general jester physician banker prophet judge
physics: 60 of kind particle
  names: grav pho mu tau bos lep had quar chro neu plas sol | ton on ino ium itron eon ark ax
  variety: meson lepton baryon photon gluon hadron plasma crystal isotope fluid vapor superconductor
  force: gravity magnetism friction tension drag buoyancy strong weak torsion lift adhesion pressure
  detector: bubble-chamber calorimeter counter prism grating antenna balance telescope scintillator interferometer
    magnetometer emulsion
  decay: alpha beta gamma fission cascade capture fusion tunneling scattering annihilation emission conversion
psychology: 72 of kind syndrome
  names: Mel Ans Bip Cog Emo Phre Dys Hyp Neu Obs Per Soc | ancho axia oria manic phoria tropia lexia noia
  domain: memory attention emotion language sleep motivation perception learning identity trust anger attachment
  trigger: noise loss crowds deadlines darkness isolation novelty criticism hunger change heights boredom
  therapy: hypnosis journaling exposure play group art breathing coaching meditation feedback roleplay exercise
  scale: inkblot survey interview maze puzzle diary rating vignette recall stroop observation checklist
"""
"""Category by category: how many things of which kind the table holds, syllables that open and that close a thing's
name, and the values of each attribute, the family first."""


@dataclass(frozen=True)
class Vocabulary:
    """The words of a table before its things are generated."""

    kind: str  # what one thing is called
    attributes: dict[str, tuple[str, ...]]  # name to its `N_FAMILIES` values; the first attribute is the family
    onsets: tuple[str, ...]  # syllables that open a thing's name
    codas: tuple[str, ...]  # syllables that close it
    n_things: int  # more of them are harder to learn

    @property
    def a_kind(self) -> str:
        """The kind with its article."""
        return f"an {self.kind}" if self.kind[0] in "aeiou" else f"a {self.kind}"


def _vocabularies() -> dict[str, Vocabulary]:
    found: dict[str, Vocabulary] = {}
    # A line that is indented further than "  name:" goes on with the one before.
    for block in re.split(r"\n(?=\S)", _TABLES.replace("\n    ", " ").strip()):
        (category, size), *rows = (line.strip().split(": ") for line in block.splitlines())
        n_things, kind = size.split(" of kind ")
        words = dict(rows)
        onsets, codas = (tuple(part.split()) for part in words.pop("names").split(" | "))
        attributes = {name: tuple(row.split()) for name, row in words.items()}
        found[category] = Vocabulary(kind, attributes, onsets, codas, int(n_things))
    return found


VOCABULARIES: dict[str, Vocabulary] = _vocabularies()  # by category
