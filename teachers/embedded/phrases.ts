import type { Category } from '../../datasets/taxonomy.js';

/** How one kind of event is spoken of. Plain words, all lower case, punctuation apart. */
export interface EventPhrases {
  /** One word for the perception line; no two kinds share one. */
  readonly word: string;
  /** What is seen: step 3. */
  readonly seen: readonly string[];
  /** Why it is abnormal: step 4 and `<why>`. */
  readonly why: readonly string[];
  /** What follows from it: `<how>`. */
  readonly how: readonly string[];
}

const event = (word: string, seen: string[], why: string[], how: string[]): EventPhrases => ({
  word,
  seen,
  why,
  how,
});

/** Phrases for every leaf of the taxonomy. */
export const eventPhrases: Readonly<Record<Category, EventPhrases>> = {
  Stealing: event(
    'taking',
    ['a person takes goods and hides them', 'someone picks up things and leaves'],
    ['taking what belongs to others is forbidden', 'stealing harms the owner'],
    ['call security'],
  ),
  Robbery: event(
    'threat',
    ['a person threatens others and takes goods', 'someone uses force to get money'],
    ['robbery puts people in danger', 'taking goods by force is a crime'],
    ['call the police'],
  ),
  Arson: event(
    'igniting',
    ['a person sets something on fire', 'someone lights a fire and walks away'],
    ['setting a fire is a crime', 'a fire set on purpose endangers people'],
    ['call the fire brigade and the police'],
  ),
  Vandalism: event(
    'smashing',
    ['a person breaks things on purpose', 'someone damages property'],
    ['breaking property is forbidden', 'the damage harms the owner'],
    ['call security'],
  ),
  Shooting: event(
    'gunfire',
    ['a person points a gun and shoots', 'someone fires a gun'],
    ['shots can kill people', 'using a gun here is a crime'],
    ['call the police and stay away'],
  ),
  Falling: event(
    'lying',
    ['a person falls and lies on the ground', 'someone collapses and stays down'],
    ['people do not normally lie on the floor', 'the person may be hurt'],
    ['send medical help'],
  ),
  Hurt: event(
    'injury',
    ['a person is hurt and cannot go on', 'someone is injured'],
    ['the person needs help', 'an injury can get worse'],
    ['send medical help'],
  ),
  Drown: event(
    'drowning',
    ['a person struggles in the water', 'someone sinks in the water'],
    ['the person can die within minutes', 'drowning needs help at once'],
    ['send a lifeguard'],
  ),
  Fighting: event(
    'blows',
    ['two people hit each other', 'two persons push and punch'],
    ['fighting is violent', 'violence breaks public order'],
    ['send security'],
  ),
  Riot: event(
    'mob',
    ['a crowd attacks and destroys things', 'many people riot'],
    ['a riot breaks public order', 'an angry crowd is dangerous for people'],
    ['call the police and stay away'],
  ),
  Abuse: event(
    'beating',
    ['a person mistreats a weaker one', 'someone beats a person who does not fight back'],
    ['abuse harms the person', 'hurting the weak is a crime'],
    ['call the police'],
  ),
  Parade: event(
    'marching',
    ['a large crowd marches along', 'many people walk in a parade'],
    ['such a crowd is unusual here', 'the crowd blocks the way'],
    ['guide the crowd'],
  ),
  Tread: event(
    'trampling',
    ['people push and step on others', 'a crowd runs over people on the ground'],
    ['people can be crushed', 'a stampede can kill people'],
    ['open the exits and send medical help'],
  ),
  'Wrong-Way Driving': event(
    'wrongway',
    ['a car drives against its lane', 'a vehicle moves in the wrong direction'],
    ['cars must follow the lane direction', 'driving the wrong way is forbidden'],
    ['warn other drivers'],
  ),
  'Red Light Violation': event(
    'redlight',
    ['a vehicle crosses while the light is red', 'a car does not stop at the red light'],
    ['a red light means stop', 'crossing at red can cause a crash'],
    ['warn other drivers'],
  ),
  'Illegal Lane Changing': event(
    'swerving',
    ['a vehicle cuts into another lane', 'a car changes lanes over the line'],
    ['the line may not be crossed', 'cutting in can cause a crash'],
    ['warn other drivers'],
  ),
  'Illegal Parking': event(
    'parked',
    ['a vehicle stops where parking is forbidden', 'a car is left in the way'],
    ['a parked car here blocks traffic', 'parking is forbidden here'],
    ['remove the vehicle'],
  ),
  'Traffic Accidents': event(
    'crash',
    ['two cars crash and stop', 'two vehicles collide with sparks'],
    ['a crash can hurt people', 'the collision blocks traffic'],
    ['call an ambulance'],
  ),
  'Pedestrian Jaywalking': event(
    'crossing',
    ['a person crosses between the cars', 'someone walks on the road'],
    ['people must cross at the crossing', 'a walker on the road can be hit'],
    ['slow the traffic down'],
  ),
  Sandstorm: event(
    'sand',
    ['a cloud of sand covers the scene', 'sand and dust blow in'],
    ['nobody can see in the sand', 'a sandstorm is dangerous for people'],
    ['stay inside'],
  ),
  Tornado: event(
    'funnel',
    ['a funnel of wind comes near', 'a whirl of wind tears things away'],
    ['a tornado destroys what it meets', 'such wind can kill people'],
    ['go to a shelter'],
  ),
  'Avalanche & Landslide': event(
    'slide',
    ['a mass of snow or earth slides down', 'the slope breaks off and moves down'],
    ['the slide can bury people', 'a moving slope is dangerous'],
    ['clear the area and send rescuers'],
  ),
  'Flooding & Tsunami': event(
    'flood',
    ['water rises and covers the ground', 'a flood carries things away'],
    ['high water can drown people', 'the water should not be there'],
    ['go to higher ground'],
  ),
  'Electrical Failures': event(
    'arcing',
    ['a wire sparks and smokes', 'electric sparks burst out'],
    ['bare electricity can kill people', 'sparks can start a fire'],
    ['cut the power'],
  ),
  Explosion: event(
    'blast',
    ['a bright blast bursts out', 'a sudden flash and a ball of fire expand'],
    ['an explosion can hurt people', 'a blast is violent and dangerous'],
    ['clear the area'],
  ),
  'Building Collapse': event(
    'collapse',
    ['a building breaks down', 'walls fall and dust rises'],
    ['falling walls can bury people', 'a building must not break down'],
    ['clear the area and send rescuers'],
  ),
  Fire: event(
    'flames',
    ['flames and smoke rise', 'orange flames flicker and smoke rises'],
    ['fire is dangerous for people', 'burning puts people in danger'],
    ['call the fire brigade'],
  ),
  'Air Pollution': event(
    'fumes',
    ['dark fumes spread in the air', 'thick smoke comes out of a chimney'],
    ['the fumes harm the lungs', 'such smoke spoils the air'],
    ['stop the source'],
  ),
  'Water Pollution': event(
    'scum',
    ['dirt and foam drift on the water', 'coloured waste runs into the water'],
    ['the waste spoils the water', 'dirty water harms people and animals'],
    ['stop the source'],
  ),
  'Animals in Urban Areas': event(
    'animal',
    ['a wild animal walks among the houses', 'an animal roams the street'],
    ['wild animals do not belong here', 'the animal may be hit or attack'],
    ['call animal control'],
  ),
  'Animals Obstructing Traffic': event(
    'herd',
    ['animals stand on the road', 'a herd blocks the lane'],
    ['cars may hit the animals', 'the animals block traffic'],
    ['lead the animals away'],
  ),
  'Animals Hurting Human': event(
    'bite',
    ['an animal attacks a person', 'an animal bites someone'],
    ['an attack can hurt people', 'animals must be kept under control'],
    ['send medical help'],
  ),
  'Falling Objects': event(
    'dropping',
    ['a box drops from above and breaks', 'an object falls down and shatters'],
    ['a falling object can hit people', 'things should not drop from above'],
    ['close the area'],
  ),
  'Dangerous Items': event(
    'weapon',
    ['a person carries a dangerous item', 'someone shows a weapon'],
    ['such an item can hurt people', 'weapons are forbidden here'],
    ['call security'],
  ),
  'Obstructing Tactile Paving': event(
    'blocking',
    ['something stands on the tactile paving', 'the tactile paving is blocked'],
    ['blind people need the paving', 'a blind person may fall over it'],
    ['clear the paving'],
  ),
  'Obstacles on Railway': event(
    'trackblock',
    ['something lies on the rails', 'an obstacle blocks the railway'],
    ['a train may hit it', 'a train cannot stop in time'],
    ['stop the trains'],
  ),
  'Obstacles on Road': event(
    'rubble',
    ['debris lies on the lane', 'a pile of rubble blocks the lane'],
    ['an obstacle on the road endangers cars', 'cars may hit the rubble'],
    ['remove the obstacle'],
  ),
};

/** For an abnormal video whose category nobody named. */
export const unnamedEvent: EventPhrases = event(
  'event',
  ['an unusual event takes place', 'something unusual happens'],
  ['this does not normally happen here', 'it may put people in danger'],
  ['send someone to look'],
);
/** What `<what>` says of it. */
export const unnamedWhat = 'unusual event';

/** Phrases of a category, null for one that nobody named. */
export function phrasesFor(category: Category | null): EventPhrases {
  return category === null ? unnamedEvent : eventPhrases[category];
}

/** Phrases about videos, whatever happens in them. Alternatives have equally many words where times follow them. */
export const scenePhrases = {
  camera: [
    (camera: string) => `a ${camera} camera shows a`,
    (camera: string) => `the ${camera} camera watches a`,
  ],
  flicker: 'the lights flicker',
  wholePictureMoves: 'the whole picture moves',
  nothingMoves: 'nothing moves by',
  nothingUnusual: ['nothing breaks the rules', 'all of it is normal', 'this is usual activity'],
  standsOut: ['but something stands out', 'then something unusual happens'],
  judged: ['this is abnormal', 'it is abnormal'],
  usualWhat: ['usual activity', 'everyday movement'],
  usualWhy: ['no event stands out', 'all behaviour is expected'],
} as const;
