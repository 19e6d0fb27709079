"""The wordings of the simulated reports: data only.

Braces are filled from the film; {Size} and {Side} start a sentence.
"""

EFFUSION_ONE = (
    "There is a {size} {side} pleural effusion.",
    "{Size} {side} pleural effusion.",
    "{Size} {side}-sided pleural effusion is present.",
    "A {size} pleural effusion is seen on the {side}.",
    "{Side} pleural effusion, {size} in size.",
    "Dense {side} base with a meniscus, consistent with a {size} effusion.",
    "{Side} pleural effusion is {size}.",
)
EFFUSION_BLUNT = (
    "Blunted {side} costophrenic angle, consistent with a {size} pleural effusion.",
    "The {side} costophrenic angle is blunted by a {size} pleural effusion.",
    "Meniscus at the {side} base, compatible with a {size} pleural effusion.",
)
EFFUSION_MAYBE = (
    "Blunted {side} costophrenic angle, which may represent a {size} effusion.",
    "Possible {size} {side} pleural effusion.",
    "Slight blunting of the {side} costophrenic angle, possibly a {size} effusion.",
    "There is a questionable {size} pleural effusion on the {side}.",
)
EFFUSION_BOTH = (
    "There are {size} bilateral pleural effusions.",
    "{Size} bilateral pleural effusions are present.",
    "{Size} pleural effusions are seen on both sides.",
    "Bilateral pleural effusions, {size} in size.",
)
EFFUSION_UNEQUAL = (
    "Bilateral pleural effusions, {size_right} on the right, {size_left} on the left.",
    "Bilateral pleural effusions, {larger} greater than {smaller}.",
    "Bilateral pleural effusions are present, larger on the {larger}.",
)

PNEUMOTHORAX_ONE = (
    "There is a {size} {side} pneumothorax.",
    "{Size} {side} pneumothorax.",
    "{Size} {side}-sided pneumothorax is present.",
    "A {size} pneumothorax is seen on the {side}.",
    "Visceral pleural line on the {side}, consistent with a {size} pneumothorax.",
    "{Side} pneumothorax, {size} in size.",
)
PNEUMOTHORAX_APICAL = (
    "There is a {size} {side} apical pneumothorax.",
    "{Size} pneumothorax at the {side} apex.",
    "Pleural line at the {side} apex, consistent with a {size} pneumothorax.",
)
PNEUMOTHORAX_MAYBE = (
    "Thin line at the {side} apex, which may represent a small pneumothorax.",
    "Possible small {side} apical pneumothorax.",
    "A tiny {side} pneumothorax is suspected.",
)

CONSOLIDATION_ONE = (
    "There is consolidation in the {side} {zone} zone.",
    "{Size} {side} {zone} lung consolidation.",
    "Patchy consolidation in the {side} {zone} lung.",
    "Airspace consolidation is present in the {zone} {side} lung.",
    "There is focal consolidation in the {side} {zone} lung zone.",
    "The {side} {zone} lung shows {size} consolidation with air bronchograms.",
    "{Side} {zone} zone consolidation.",
)
CONSOLIDATION_MAYBE = (
    "Faint density in the {side} {zone} zone may represent early consolidation.",
    "Possible consolidation in the {side} {zone} lung.",
    "Questionable subtle consolidation in the {side} {zone} lung zone.",
)

NODULE = (
    "There is a {cm} cm nodule in the {side} {zone} lung.",
    "{Cm} cm pulmonary nodule in the {side} {zone} zone.",
    "A rounded nodule is seen in the {side} {zone} lung zone.",
    "A {size} nodule projects over the {side} {zone} lung.",
    "Solitary nodular density, a pulmonary nodule, in the {side} {zone} lung.",
    "{Side} {zone} lung nodule measuring {cm} cm.",
)
MASS = (
    "There is a {cm} cm mass in the {side} {zone} lung.",
    "A large mass is seen in the {side} {zone} zone.",
    "{Side} {zone} lung mass measuring {cm} cm.",
    "A well seen lung mass of {cm} cm projects over the {side} {zone} zone.",
    "Large rounded mass in the {side} {zone} lung.",
)
NODULE_MAYBE = (
    "Possible nodule in the {side} {zone} lung.",
    "A faint rounded density in the {side} {zone} zone may represent a nodule.",
    "A subtle nodule is suspected in the {side} {zone} lung.",
)

EDEMA = (
    "There is {size} pulmonary edema.",
    "{Size} pulmonary edema with perihilar haze.",
    "Perihilar haze and septal lines, consistent with {size} pulmonary edema.",
    "Findings of {size} interstitial pulmonary edema.",
    "{Size} bilateral pulmonary edema is present.",
    "The pulmonary vessels are indistinct, in keeping with {size} pulmonary edema.",
)
EDEMA_MAYBE = (
    "Mild perihilar haze may represent early pulmonary edema.",
    "Possible mild pulmonary edema.",
    "Indistinct vessels, suspicious for mild pulmonary edema.",
)

ATELECTASIS_BAND = (
    "Linear atelectasis at the {side} base.",
    "There is {side} basilar atelectasis.",
    "Band of plate-like atelectasis in the {side} lower lung.",
    "Subsegmental atelectasis is present at the {side} lung base.",
    "{Side} basilar linear atelectasis.",
    "Discoid atelectasis is seen at the {side} base.",
)
ATELECTASIS_LOSS = (
    "Volume loss at the {side} base, consistent with atelectasis.",
    "{Side} lower lobe atelectasis with raised hemidiaphragm.",
    "There is {side} basilar atelectasis with volume loss.",
    "The {side} hemidiaphragm is elevated with overlying atelectasis.",
)
ATELECTASIS_BOTH = (
    "There is bibasilar atelectasis.",
    "Bibasilar linear atelectasis.",
    "Bilateral basilar atelectasis is present.",
    "Bands of atelectasis are seen at both lung bases.",
)
ATELECTASIS_MAYBE = (
    "Faint linear density at the {side} base may represent atelectasis.",
    "Possible minimal {side} basilar atelectasis.",
    "Subtle {side} basilar density, probably atelectasis.",
)

HEART_LARGE = {
    "mild": (
        "There is mild cardiomegaly.",
        "The heart is mildly enlarged.",
        "Mild enlargement of the cardiac silhouette.",
        "The cardiac silhouette is mildly enlarged.",
    ),
    "moderate": (
        "There is moderate cardiomegaly.",
        "The heart is moderately enlarged.",
        "Moderate enlargement of the cardiac silhouette.",
        "The cardiac silhouette is enlarged.",
        "Cardiomegaly is present.",
    ),
    "severe": (
        "There is marked cardiomegaly.",
        "The heart is severely enlarged.",
        "Severe enlargement of the cardiac silhouette.",
        "Severe cardiomegaly is present.",
    ),
}
HEART_MAYBE = (
    "The heart size is borderline, possible mild cardiomegaly.",
    "Probable mild cardiomegaly.",
)

DEVICES = {
    "endotracheal_tube": (
        "An endotracheal tube is in place with its tip above the carina.",
        "Endotracheal tube tip projects over the mid trachea.",
        "The endotracheal tube ends above the carina.",
    ),
    "nasogastric_tube": (
        "A nasogastric tube courses below the diaphragm.",
        "Nasogastric tube with its tip in the stomach.",
        "An enteric tube ends in the left upper abdomen.",
    ),
    "central_line": (
        "A {side}-sided central venous catheter ends in the superior vena cava.",
        "{Side} central venous catheter with its tip over the superior vena cava.",
        "There is a {side} central venous line in place.",
    ),
    "port": (
        "A {side} chest port is in place with its tip over the superior vena cava.",
        "{Side}-sided port catheter is present.",
        "There is a {side} chest wall port.",
    ),
    "pacemaker": (
        "A {side}-sided pacemaker is present with leads over the heart.",
        "{Side} chest wall pacemaker with leads in expected position.",
        "There is a {side} pectoral pacemaker.",
    ),
}

ABSENT = {
    "Pneumothorax": "pneumothorax",
    "Pleural Effusion": "pleural effusion",
    "Consolidation": "focal consolidation",
    "Edema": "pulmonary edema",
    "Lung Lesion": "pulmonary nodule or mass",
    "Atelectasis": "atelectasis",
}
ABSENT_FRAMES = (
    "No {list}.",
    "There is no {list}.",
    "No evidence of {list}.",
    "No {list} is seen.",
    "There is no evidence of {list}.",
    "No {list} is identified.",
)

HEART_NORMAL = (
    "The heart size is normal.",
    "Heart is normal in size.",
    "The cardiac silhouette is within normal limits.",
    "Normal heart size.",
    "The heart is not enlarged.",
    "Cardiac silhouette is normal in size and contour.",
)
MEDIASTINUM_NORMAL = (
    "The mediastinal contours are normal.",
    "Mediastinum is unremarkable.",
    "The mediastinum and hila are within normal limits.",
    "Mediastinal and hilar contours are unremarkable.",
    "The hilar contours are normal.",
)
HEART_AND_MEDIASTINUM_NORMAL = (
    "The cardiomediastinal silhouette is within normal limits.",
    "Cardiomediastinal silhouette is normal.",
    "The heart and mediastinum are normal.",
    "Heart size and mediastinal contours are within normal limits.",
)
BONES_NORMAL = (
    "The bones are unremarkable.",
    "Visualized bony structures are intact.",
    "No acute bony abnormality.",
    "Osseous structures are unremarkable.",
    "The bony thorax is intact.",
)
LUNGS_CLEAR = (
    "The lungs are clear.",
    "Both lungs are clear.",
    "Lungs are clear and well expanded.",
    "The lungs are clear bilaterally.",
    "Clear lungs.",
)
ONE_LUNG_CLEAR = (
    "The {side} lung is clear.",
    "{Side} lung is clear.",
)
DIAPHRAGM_NORMAL = (
    "The diaphragm is unremarkable.",
    "The visualized upper abdomen is unremarkable.",
)
TRAITS = {
    "aortic calcification": (
        "The aortic knob is calcified.",
        "Atherosclerotic calcification of the aortic arch.",
    ),
    "costal calcification": ("Calcification of the costal cartilages.",),
    "scoliosis": (
        "There is scoliosis of the thoracic spine.",
        "Curvature of the thoracic spine is noted.",
    ),
}
TRAIT_REGIONS = {
    "aortic calcification": "aortic_knob",
    "costal calcification": "bones",
    "scoliosis": "spine",
}

IMPRESSION_NORMAL = (
    "No acute cardiopulmonary abnormality.",
    "No acute cardiopulmonary process.",
    "Normal chest radiograph.",
    "No acute disease.",
    "No acute abnormality in the chest.",
    "Normal chest.",
)
IMPRESSION_DEVICES_ONLY = (
    "No acute cardiopulmonary abnormality.",
    "No acute cardiopulmonary process.",
    "No acute disease.",
)
IMPRESSION = {
    "Pleural Effusion": ("{Size} {side} pleural effusion.", "{Side} pleural effusion."),
    "Pneumothorax": ("{Size} {side} pneumothorax.", "{Side} pneumothorax."),
    "Consolidation": (
        "{Side} {zone} zone consolidation.",
        "Consolidation in the {side} {zone} lung.",
    ),
    "Edema": ("{Size} pulmonary edema.", "Pulmonary edema."),
    "Atelectasis": ("{Side} basilar atelectasis.", "Atelectasis at the {side} base."),
    "Cardiomegaly": ("{Size} cardiomegaly.", "Cardiomegaly.", "Enlarged heart."),
    "nodule": ("{Side} {zone} lung nodule.", "Nodule in the {side} {zone} lung."),
    "mass": ("{Side} {zone} lung mass.", "Mass in the {side} {zone} lung."),
}
IMPRESSION_BOTH = {
    "Pleural Effusion": ("Bilateral pleural effusions.",),
    "Atelectasis": ("Bibasilar atelectasis.",),
}
IMPRESSION_MAYBE = {
    "Pleural Effusion": "Possible {size} {side} pleural effusion.",
    "Pneumothorax": "Possible small {side} pneumothorax.",
    "Consolidation": "Possible {side} {zone} consolidation.",
    "Edema": "Possible mild pulmonary edema.",
    "Atelectasis": "Probable {side} basilar atelectasis.",
    "Cardiomegaly": "Possible mild cardiomegaly.",
    "nodule": "Possible {side} {zone} lung nodule.",
}
IMPRESSION_HEART_FAILURE = (
    "Cardiomegaly with {size} pulmonary edema.",
    "Enlarged heart and {size} pulmonary edema.",
)
FOLLOW_UP = (
    "Recommend CT of the chest for further evaluation.",
    "Chest CT is recommended.",
)
